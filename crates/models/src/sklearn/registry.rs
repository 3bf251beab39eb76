//! Which class is evaluated by what: exact pairs of module and name, nothing by prefix.

use super::estimator::Estimator;
use super::source::Source;
use super::{
    calibration, encoding, features, forest, gradient_boosting, hist_gradient_boosting, imputing, linear, meta,
    multiclass, naive_bayes, neighbors, neural_network, pipeline, scaling, svm,
};
use crate::predictor::Error;

type Build = fn(&Source<'_>) -> Result<Estimator, Error>;

/// Module, class and reader of everything that is evaluated.
pub(super) const KNOWN: &[(&str, &str, Build)] = &[
    ("sklearn.calibration", "CalibratedClassifierCV", calibration::classifier),
    ("sklearn.compose._column_transformer", "ColumnTransformer", pipeline::column_transformer),
    ("sklearn.decomposition._incremental_pca", "IncrementalPCA", features::principal_components),
    ("sklearn.decomposition._pca", "PCA", features::principal_components),
    ("sklearn.decomposition._truncated_svd", "TruncatedSVD", features::truncated_svd),
    ("sklearn.discriminant_analysis", "LinearDiscriminantAnalysis", linear::linear_discriminant),
    ("sklearn.discriminant_analysis", "QuadraticDiscriminantAnalysis", naive_bayes::quadratic_discriminant),
    ("sklearn.dummy", "DummyClassifier", meta::dummy),
    ("sklearn.ensemble._bagging", "BaggingClassifier", meta::bagging),
    ("sklearn.ensemble._forest", "ExtraTreesClassifier", forest::extra_trees_classifier),
    ("sklearn.ensemble._forest", "ExtraTreesRegressor", forest::extra_trees_regressor),
    ("sklearn.ensemble._forest", "RandomForestClassifier", forest::random_forest_classifier),
    ("sklearn.ensemble._forest", "RandomForestRegressor", forest::random_forest_regressor),
    ("sklearn.ensemble._gb", "GradientBoostingClassifier", gradient_boosting::classifier),
    ("sklearn.ensemble._gb", "GradientBoostingRegressor", gradient_boosting::regressor),
    (HIST, "HistGradientBoostingClassifier", hist_gradient_boosting::classifier),
    (HIST, "HistGradientBoostingRegressor", hist_gradient_boosting::regressor),
    ("sklearn.ensemble._stacking", "StackingClassifier", meta::stacking),
    ("sklearn.ensemble._voting", "VotingClassifier", meta::voting),
    ("sklearn.ensemble._weight_boosting", "AdaBoostClassifier", meta::ada_boost),
    ("sklearn.feature_selection._rfe", "RFE", features::supported),
    ("sklearn.feature_selection._rfe", "RFECV", features::supported),
    ("sklearn.feature_selection._sequential", "SequentialFeatureSelector", features::supported),
    ("sklearn.feature_selection._univariate_selection", "SelectFpr", features::false_positive_rate),
    ("sklearn.feature_selection._univariate_selection", "SelectFwe", features::family_wise_error),
    ("sklearn.feature_selection._univariate_selection", "SelectKBest", features::k_best),
    ("sklearn.feature_selection._univariate_selection", "SelectPercentile", features::percentile),
    ("sklearn.feature_selection._variance_threshold", "VarianceThreshold", features::variance),
    ("sklearn.frozen._frozen", "FrozenEstimator", meta::frozen),
    ("sklearn.impute._base", "MissingIndicator", imputing::indicator),
    ("sklearn.impute._base", "SimpleImputer", imputing::simple),
    ("sklearn.linear_model._base", "LinearRegression", linear::regressor),
    ("sklearn.linear_model._bayes", "ARDRegression", linear::regressor),
    ("sklearn.linear_model._bayes", "BayesianRidge", linear::regressor),
    ("sklearn.linear_model._coordinate_descent", "ElasticNet", linear::regressor),
    ("sklearn.linear_model._coordinate_descent", "ElasticNetCV", linear::regressor),
    ("sklearn.linear_model._coordinate_descent", "Lasso", linear::regressor),
    ("sklearn.linear_model._coordinate_descent", "LassoCV", linear::regressor),
    ("sklearn.linear_model._glm.glm", "GammaRegressor", linear::log_regressor),
    ("sklearn.linear_model._glm.glm", "PoissonRegressor", linear::log_regressor),
    ("sklearn.linear_model._huber", "HuberRegressor", linear::regressor),
    ("sklearn.linear_model._least_angle", "Lars", linear::regressor),
    ("sklearn.linear_model._least_angle", "LassoLars", linear::regressor),
    ("sklearn.linear_model._logistic", "LogisticRegression", linear::logistic_regression),
    ("sklearn.linear_model._logistic", "LogisticRegressionCV", linear::logistic_regression),
    ("sklearn.linear_model._passive_aggressive", "PassiveAggressiveClassifier", linear::decision_only),
    ("sklearn.linear_model._passive_aggressive", "PassiveAggressiveRegressor", linear::regressor),
    ("sklearn.linear_model._perceptron", "Perceptron", linear::decision_only),
    ("sklearn.linear_model._quantile", "QuantileRegressor", linear::regressor),
    ("sklearn.linear_model._ridge", "Ridge", linear::regressor),
    ("sklearn.linear_model._ridge", "RidgeCV", linear::regressor),
    ("sklearn.linear_model._ridge", "RidgeClassifier", linear::ridge_classifier),
    ("sklearn.linear_model._ridge", "RidgeClassifierCV", linear::ridge_classifier),
    ("sklearn.linear_model._stochastic_gradient", "SGDClassifier", linear::sgd_classifier),
    ("sklearn.linear_model._stochastic_gradient", "SGDRegressor", linear::regressor),
    ("sklearn.linear_model._theil_sen", "TheilSenRegressor", linear::regressor),
    ("sklearn.model_selection._search", "GridSearchCV", meta::best_of_search),
    ("sklearn.model_selection._search", "RandomizedSearchCV", meta::best_of_search),
    ("sklearn.model_selection._search_successive_halving", "HalvingGridSearchCV", meta::best_of_search),
    ("sklearn.model_selection._search_successive_halving", "HalvingRandomSearchCV", meta::best_of_search),
    ("sklearn.multiclass", "OneVsOneClassifier", multiclass::one_versus_one),
    ("sklearn.multiclass", "OneVsRestClassifier", multiclass::one_versus_rest),
    ("sklearn.naive_bayes", "BernoulliNB", naive_bayes::bernoulli),
    ("sklearn.naive_bayes", "CategoricalNB", naive_bayes::categorical),
    ("sklearn.naive_bayes", "ComplementNB", naive_bayes::complement),
    ("sklearn.naive_bayes", "GaussianNB", naive_bayes::gaussian),
    ("sklearn.naive_bayes", "MultinomialNB", naive_bayes::multinomial),
    ("sklearn.neighbors._classification", "KNeighborsClassifier", neighbors::classifier),
    ("sklearn.neighbors._nearest_centroid", "NearestCentroid", neighbors::centroid),
    ("sklearn.neural_network._multilayer_perceptron", "MLPClassifier", neural_network::classifier),
    ("sklearn.neural_network._multilayer_perceptron", "MLPRegressor", neural_network::regressor),
    ("sklearn.pipeline", "FeatureUnion", pipeline::feature_union),
    ("sklearn.pipeline", "Pipeline", pipeline::pipeline),
    ("sklearn.preprocessing._data", "Binarizer", scaling::binarizer),
    ("sklearn.preprocessing._data", "MaxAbsScaler", scaling::max_abs),
    ("sklearn.preprocessing._data", "MinMaxScaler", scaling::min_max),
    ("sklearn.preprocessing._data", "Normalizer", scaling::normalizer),
    ("sklearn.preprocessing._data", "PowerTransformer", features::power),
    ("sklearn.preprocessing._data", "QuantileTransformer", features::quantiles),
    ("sklearn.preprocessing._data", "RobustScaler", scaling::robust),
    ("sklearn.preprocessing._data", "StandardScaler", scaling::standard),
    ("sklearn.preprocessing._discretization", "KBinsDiscretizer", features::bins),
    ("sklearn.preprocessing._encoders", "OneHotEncoder", encoding::one_hot),
    ("sklearn.preprocessing._encoders", "OrdinalEncoder", encoding::ordinal),
    ("sklearn.preprocessing._function_transformer", "FunctionTransformer", features::function),
    ("sklearn.preprocessing._polynomial", "PolynomialFeatures", features::polynomial),
    ("sklearn.preprocessing._target_encoder", "TargetEncoder", encoding::target),
    ("sklearn.svm._classes", "LinearSVC", linear::decision_only),
    ("sklearn.svm._classes", "LinearSVR", linear::regressor),
    ("sklearn.svm._classes", "NuSVC", svm::classifier),
    ("sklearn.svm._classes", "SVC", svm::classifier),
    ("sklearn.tree._classes", "DecisionTreeClassifier", forest::tree_classifier),
    ("sklearn.tree._classes", "DecisionTreeRegressor", forest::tree_regressor),
    ("sklearn.tree._classes", "ExtraTreeClassifier", forest::tree_classifier),
    ("sklearn.tree._classes", "ExtraTreeRegressor", forest::tree_regressor),
];

const HIST: &str = "sklearn.ensemble._hist_gradient_boosting.gradient_boosting";

/// Oldest and newest version whose answers were compared.
const OLDEST: (u32, u32) = (1, 0);
const NEWEST: (u32, u32) = (1, 9);

/// Reads one estimator, whatever it is.
pub(super) fn build(source: &Source<'_>) -> Result<Estimator, Error> {
    let Some(class) = source.view().class() else {
        return Err(Error::Unreadable("an estimator is needed, the file has something else".to_owned()));
    };
    let Some((_, _, build)) = KNOWN.iter().find(|(module, name, _)| class.is(module, name)) else {
        return Err(Error::Unreadable(format!(
            "the class {class} is not known; what is read is scikit-learn's own estimators of versions {}.{} to {}.{}",
            OLDEST.0, OLDEST.1, NEWEST.0, NEWEST.1
        )));
    };
    let version = source.version();
    if version < OLDEST || version > NEWEST {
        return Err(source.refuse(format!(
            "it was stored by scikit-learn {}.{}; versions {}.{} to {}.{} are read",
            version.0, version.1, OLDEST.0, OLDEST.1, NEWEST.0, NEWEST.1
        )));
    }
    build(source)
}

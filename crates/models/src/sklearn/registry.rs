//! Which class is evaluated by what: exact pairs of module and name, nothing by prefix.

use super::estimator::{Estimator, Role};
use super::source::Source;
use super::{
    boosters, calibration, centroid, encoding, features, forest, from_model, gaussian_process, gradient_boosting,
    hist_gradient_boosting, imputing, isolation, kernel, linear, meta, multiclass, multioutput, naive_bayes,
    nearest_imputing, neighbors, neural_network, pipeline, projecting, regression, scaling, spline, svm, text,
    threshold,
};
use crate::predictor::Error;

type Build = fn(&Source<'_>) -> Result<Estimator, Error>;

/// Module, class and reader of everything that is evaluated.
pub(super) const KNOWN: &[(&str, &str, Build)] = &[
    ("catboost.core", "CatBoostClassifier", boosters::catboost),
    ("catboost.core", "CatBoostRegressor", boosters::catboost),
    ("lightgbm.sklearn", "LGBMClassifier", boosters::lightgbm),
    ("lightgbm.sklearn", "LGBMRegressor", boosters::lightgbm),
    ("sklearn.calibration", "CalibratedClassifierCV", calibration::classifier),
    ("sklearn.cluster._kmeans", "KMeans", projecting::distances_to_centres),
    ("sklearn.cluster._kmeans", "MiniBatchKMeans", projecting::distances_to_centres),
    ("sklearn.compose._column_transformer", "ColumnTransformer", pipeline::column_transformer),
    ("sklearn.compose._target", "TransformedTargetRegressor", regression::transformed_target),
    ("sklearn.cross_decomposition._pls", "PLSRegression", linear::partial_least_squares),
    ("sklearn.decomposition._fastica", "FastICA", projecting::independent_components),
    ("sklearn.decomposition._incremental_pca", "IncrementalPCA", features::principal_components),
    ("sklearn.decomposition._kernel_pca", "KernelPCA", kernel::principal_components),
    ("sklearn.decomposition._pca", "PCA", features::principal_components),
    ("sklearn.decomposition._truncated_svd", "TruncatedSVD", features::truncated_svd),
    ("sklearn.discriminant_analysis", "LinearDiscriminantAnalysis", linear::linear_discriminant),
    ("sklearn.discriminant_analysis", "QuadraticDiscriminantAnalysis", naive_bayes::quadratic_discriminant),
    ("sklearn.dummy", "DummyClassifier", meta::dummy),
    ("sklearn.dummy", "DummyRegressor", regression::dummy),
    ("sklearn.ensemble._bagging", "BaggingClassifier", meta::bagging),
    ("sklearn.ensemble._bagging", "BaggingRegressor", regression::bagging),
    ("sklearn.ensemble._forest", "ExtraTreesClassifier", forest::extra_trees_classifier),
    ("sklearn.ensemble._forest", "ExtraTreesRegressor", forest::extra_trees_regressor),
    ("sklearn.ensemble._forest", "RandomForestClassifier", forest::random_forest_classifier),
    ("sklearn.ensemble._forest", "RandomForestRegressor", forest::random_forest_regressor),
    ("sklearn.ensemble._gb", "GradientBoostingClassifier", gradient_boosting::classifier),
    ("sklearn.ensemble._gb", "GradientBoostingRegressor", gradient_boosting::regressor),
    (HIST, "HistGradientBoostingClassifier", hist_gradient_boosting::classifier),
    (HIST, "HistGradientBoostingRegressor", hist_gradient_boosting::regressor),
    ("sklearn.ensemble._iforest", "IsolationForest", isolation::forest),
    ("sklearn.ensemble._stacking", "StackingClassifier", meta::stacking),
    ("sklearn.ensemble._stacking", "StackingRegressor", regression::stacking),
    ("sklearn.ensemble._voting", "VotingClassifier", meta::voting),
    ("sklearn.ensemble._voting", "VotingRegressor", regression::voting),
    ("sklearn.ensemble._weight_boosting", "AdaBoostClassifier", meta::ada_boost),
    ("sklearn.ensemble._weight_boosting", "AdaBoostRegressor", regression::ada_boost),
    ("sklearn.feature_extraction.text", "CountVectorizer", text::count),
    ("sklearn.feature_extraction.text", "HashingVectorizer", text::hashing),
    ("sklearn.feature_extraction.text", "TfidfTransformer", text::transformer),
    ("sklearn.feature_extraction.text", "TfidfVectorizer", text::tf_idf),
    ("sklearn.feature_selection._from_model", "SelectFromModel", from_model::select),
    ("sklearn.feature_selection._rfe", "RFE", features::supported),
    ("sklearn.feature_selection._rfe", "RFECV", features::supported),
    ("sklearn.feature_selection._sequential", "SequentialFeatureSelector", features::supported),
    ("sklearn.feature_selection._univariate_selection", "GenericUnivariateSelect", features::generic),
    ("sklearn.feature_selection._univariate_selection", "SelectFdr", features::false_discovery_rate),
    ("sklearn.feature_selection._univariate_selection", "SelectFpr", features::false_positive_rate),
    ("sklearn.feature_selection._univariate_selection", "SelectFwe", features::family_wise_error),
    ("sklearn.feature_selection._univariate_selection", "SelectKBest", features::k_best),
    ("sklearn.feature_selection._univariate_selection", "SelectPercentile", features::percentile),
    ("sklearn.feature_selection._variance_threshold", "VarianceThreshold", features::variance),
    ("sklearn.frozen._frozen", "FrozenEstimator", meta::frozen),
    ("sklearn.gaussian_process._gpc", "GaussianProcessClassifier", gaussian_process::classifier),
    ("sklearn.gaussian_process._gpc", "_BinaryGaussianProcessClassifierLaplace", gaussian_process::binary),
    ("sklearn.gaussian_process._gpr", "GaussianProcessRegressor", gaussian_process::regressor),
    ("sklearn.impute._base", "MissingIndicator", imputing::indicator),
    ("sklearn.impute._base", "SimpleImputer", imputing::simple),
    ("sklearn.impute._knn", "KNNImputer", nearest_imputing::imputer),
    ("sklearn.kernel_approximation", "Nystroem", kernel::nystroem),
    ("sklearn.kernel_approximation", "RBFSampler", projecting::fourier_features),
    ("sklearn.kernel_ridge", "KernelRidge", kernel::ridge),
    ("sklearn.linear_model._base", "LinearRegression", linear::regressor),
    ("sklearn.linear_model._bayes", "ARDRegression", linear::regressor),
    ("sklearn.linear_model._bayes", "BayesianRidge", linear::regressor),
    ("sklearn.linear_model._coordinate_descent", "ElasticNet", linear::regressor),
    ("sklearn.linear_model._coordinate_descent", "ElasticNetCV", linear::regressor),
    ("sklearn.linear_model._coordinate_descent", "Lasso", linear::regressor),
    ("sklearn.linear_model._coordinate_descent", "LassoCV", linear::regressor),
    ("sklearn.linear_model._coordinate_descent", "MultiTaskElasticNet", linear::regressor),
    ("sklearn.linear_model._coordinate_descent", "MultiTaskLasso", linear::regressor),
    ("sklearn.linear_model._glm.glm", "GammaRegressor", linear::log_regressor),
    ("sklearn.linear_model._glm.glm", "PoissonRegressor", linear::log_regressor),
    ("sklearn.linear_model._glm.glm", "TweedieRegressor", linear::tweedie_regressor),
    ("sklearn.linear_model._huber", "HuberRegressor", linear::regressor),
    ("sklearn.linear_model._least_angle", "Lars", linear::regressor),
    ("sklearn.linear_model._least_angle", "LarsCV", linear::regressor),
    ("sklearn.linear_model._least_angle", "LassoLars", linear::regressor),
    ("sklearn.linear_model._least_angle", "LassoLarsCV", linear::regressor),
    ("sklearn.linear_model._least_angle", "LassoLarsIC", linear::regressor),
    ("sklearn.linear_model._logistic", "LogisticRegression", linear::logistic_regression),
    ("sklearn.linear_model._logistic", "LogisticRegressionCV", linear::logistic_regression),
    ("sklearn.linear_model._omp", "OrthogonalMatchingPursuit", linear::regressor),
    ("sklearn.linear_model._omp", "OrthogonalMatchingPursuitCV", linear::regressor),
    ("sklearn.linear_model._passive_aggressive", "PassiveAggressiveClassifier", linear::decision_only),
    ("sklearn.linear_model._passive_aggressive", "PassiveAggressiveRegressor", linear::regressor),
    ("sklearn.linear_model._perceptron", "Perceptron", linear::decision_only),
    ("sklearn.linear_model._quantile", "QuantileRegressor", linear::regressor),
    ("sklearn.linear_model._ransac", "RANSACRegressor", regression::consensus),
    ("sklearn.linear_model._ridge", "Ridge", linear::regressor),
    ("sklearn.linear_model._ridge", "RidgeCV", linear::regressor),
    ("sklearn.linear_model._ridge", "RidgeClassifier", linear::ridge_classifier),
    ("sklearn.linear_model._ridge", "RidgeClassifierCV", linear::ridge_classifier),
    ("sklearn.linear_model._stochastic_gradient", "SGDClassifier", linear::sgd_classifier),
    ("sklearn.linear_model._stochastic_gradient", "SGDRegressor", linear::regressor),
    ("sklearn.linear_model._theil_sen", "TheilSenRegressor", linear::regressor),
    ("sklearn.model_selection._classification_threshold", "FixedThresholdClassifier", threshold::fixed),
    ("sklearn.model_selection._classification_threshold", "TunedThresholdClassifierCV", threshold::tuned),
    ("sklearn.model_selection._search", "GridSearchCV", meta::best_of_search),
    ("sklearn.model_selection._search", "RandomizedSearchCV", meta::best_of_search),
    ("sklearn.model_selection._search_successive_halving", "HalvingGridSearchCV", meta::best_of_search),
    ("sklearn.model_selection._search_successive_halving", "HalvingRandomSearchCV", meta::best_of_search),
    ("sklearn.multiclass", "OneVsOneClassifier", multiclass::one_versus_one),
    ("sklearn.multiclass", "OneVsRestClassifier", multiclass::one_versus_rest),
    ("sklearn.multiclass", "OutputCodeClassifier", threshold::output_code),
    ("sklearn.multioutput", "ClassifierChain", multioutput::classifier_chain),
    ("sklearn.multioutput", "MultiOutputClassifier", multioutput::classifier),
    ("sklearn.multioutput", "MultiOutputRegressor", multioutput::regressor),
    ("sklearn.multioutput", "RegressorChain", multioutput::regressor_chain),
    ("sklearn.naive_bayes", "BernoulliNB", naive_bayes::bernoulli),
    ("sklearn.naive_bayes", "CategoricalNB", naive_bayes::categorical),
    ("sklearn.naive_bayes", "ComplementNB", naive_bayes::complement),
    ("sklearn.naive_bayes", "GaussianNB", naive_bayes::gaussian),
    ("sklearn.naive_bayes", "MultinomialNB", naive_bayes::multinomial),
    ("sklearn.neighbors._classification", "KNeighborsClassifier", neighbors::classifier),
    ("sklearn.neighbors._classification", "RadiusNeighborsClassifier", neighbors::radius_classifier),
    ("sklearn.neighbors._nearest_centroid", "NearestCentroid", centroid::classifier),
    ("sklearn.neighbors._regression", "KNeighborsRegressor", neighbors::regressor),
    ("sklearn.neighbors._regression", "RadiusNeighborsRegressor", neighbors::radius_regressor),
    ("sklearn.neural_network._multilayer_perceptron", "MLPClassifier", neural_network::classifier),
    ("sklearn.neural_network._multilayer_perceptron", "MLPRegressor", neural_network::regressor),
    ("sklearn.pipeline", "FeatureUnion", pipeline::feature_union),
    ("sklearn.pipeline", "Pipeline", |source| pipeline::pipeline(source, Role::Answers)),
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
    ("sklearn.preprocessing._polynomial", "SplineTransformer", spline::splines),
    ("sklearn.preprocessing._target_encoder", "TargetEncoder", encoding::target),
    ("sklearn.semi_supervised._self_training", "SelfTrainingClassifier", threshold::self_training),
    ("sklearn.svm._classes", "LinearSVC", linear::decision_only),
    ("sklearn.svm._classes", "LinearSVR", linear::regressor),
    ("sklearn.svm._classes", "NuSVC", svm::classifier),
    ("sklearn.svm._classes", "NuSVR", svm::regressor),
    ("sklearn.svm._classes", "SVC", svm::classifier),
    ("sklearn.svm._classes", "SVR", svm::regressor),
    ("sklearn.tree._classes", "DecisionTreeClassifier", forest::tree_classifier),
    ("sklearn.tree._classes", "DecisionTreeRegressor", forest::tree_regressor),
    ("sklearn.tree._classes", "ExtraTreeClassifier", forest::tree_classifier),
    ("sklearn.tree._classes", "ExtraTreeRegressor", forest::tree_regressor),
    ("xgboost.sklearn", "XGBClassifier", boosters::xgboost),
    ("xgboost.sklearn", "XGBRFClassifier", boosters::xgboost),
    ("xgboost.sklearn", "XGBRFRegressor", boosters::xgboost),
    ("xgboost.sklearn", "XGBRegressor", boosters::xgboost),
];

const HIST: &str = "sklearn.ensemble._hist_gradient_boosting.gradient_boosting";

/// Modules of libraries that store no version of scikit-learn.
const BOOSTERS: [&str; 3] = ["catboost.core", "lightgbm.sklearn", "xgboost.sklearn"];

/// Estimators that do something else as a step before others than at the end.
const STEPS: &[(&str, &str, Build)] = &[
    ("sklearn.discriminant_analysis", "LinearDiscriminantAnalysis", projecting::discriminants),
    ("sklearn.pipeline", "Pipeline", |source| pipeline::pipeline(source, Role::Transforms)),
];

/// The reverse: selections that can answer themselves.
const ENDS: &[(&str, &str, Build)] = &[
    ("sklearn.feature_selection._rfe", "RFE", threshold::eliminated),
    ("sklearn.feature_selection._rfe", "RFECV", threshold::eliminated),
];

/// Oldest and newest version whose answers were compared.
const OLDEST: (u32, u32) = (1, 0);
const NEWEST: (u32, u32) = (1, 9);

/// Reads one estimator, whatever it is.
pub(super) fn build(source: &Source<'_>, role: Role) -> Result<Estimator, Error> {
    let Some(class) = source.view().class() else {
        return Err(Error::Unreadable("an estimator is needed, the file has something else".to_owned()));
    };
    let special = if role == Role::Transforms { STEPS } else { ENDS };
    let Some((_, _, build)) = special.iter().chain(KNOWN).find(|(module, name, _)| class.is(module, name)) else {
        return Err(Error::Unreadable(format!(
            "the class {class} is not known; what is read is scikit-learn's own estimators of versions {}.{} to {}.{}",
            OLDEST.0, OLDEST.1, NEWEST.0, NEWEST.1
        )));
    };
    let version = source.version();
    let is_booster = BOOSTERS.contains(&class.module.as_ref());
    if !is_booster && (version < OLDEST || version > NEWEST) {
        return Err(source.refuse(format!(
            "it was stored by scikit-learn {}.{}; versions {}.{} to {}.{} are read",
            version.0, version.1, OLDEST.0, OLDEST.1, NEWEST.0, NEWEST.1
        )));
    }
    build(source)
}

//! Documents as page and PDF: rendered on the blocking pool, a few at a time; certificates are kept for those who ask
//! again.

use std::collections::VecDeque;
use std::sync::Mutex;

use axum::body::Bytes;
use tokio::sync::Semaphore;

use crate::app::AppError;

/// Documents kept. Each has about 200 kB.
const KEPT_MAX: usize = 16;

/// Documents rendered at once: each takes a core and up to 60 MB.
const RENDERED_AT_ONCE_MAX: usize = 2;

/// The documents asked for last, by what they show.
#[derive(Debug)]
pub(crate) struct RenderedCache {
    kept: Mutex<VecDeque<(String, Bytes)>>,
    renderers: Semaphore,
}

impl Default for RenderedCache {
    fn default() -> Self {
        Self { kept: Mutex::new(VecDeque::new()), renderers: Semaphore::new(RENDERED_AT_ONCE_MAX) }
    }
}

impl RenderedCache {
    /// The document of `key`, rendered if it is not kept. The key must change with everything that the document shows.
    pub(super) async fn get(
        &self,
        key: &str,
        render: impl FnOnce() -> Result<Vec<u8>, AppError> + Send + 'static,
    ) -> Result<Bytes, AppError> {
        if let Some(kept) = self.kept(key) {
            return Ok(kept);
        }
        let _permit = self.renderers.acquire().await.map_err(AppError::internal)?;
        // Somebody may have rendered it while we waited.
        if let Some(kept) = self.kept(key) {
            return Ok(kept);
        }
        let rendered = on_a_thread(render).await?;
        self.keep(key.to_owned(), rendered.clone());
        Ok(rendered)
    }

    /// A document that is not kept.
    pub(crate) async fn once(
        &self,
        render: impl FnOnce() -> Result<Vec<u8>, AppError> + Send + 'static,
    ) -> Result<Bytes, AppError> {
        let _permit = self.renderers.acquire().await.map_err(AppError::internal)?;
        on_a_thread(render).await
    }

    fn kept(&self, key: &str) -> Option<Bytes> {
        let mut kept = self.kept.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let position = kept.iter().position(|(other, _)| other == key)?;
        let entry = kept.remove(position)?;
        let document = entry.1.clone();
        kept.push_back(entry);
        Some(document)
    }

    fn keep(&self, key: String, document: Bytes) {
        let mut kept = self.kept.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if kept.len() >= KEPT_MAX {
            kept.pop_front();
        }
        kept.push_back((key, document));
    }
}

async fn on_a_thread(render: impl FnOnce() -> Result<Vec<u8>, AppError> + Send + 'static) -> Result<Bytes, AppError> {
    Ok(Bytes::from(tokio::task::spawn_blocking(render).await.map_err(AppError::internal)??))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_document_is_rendered_once_while_it_is_kept() {
        let cache = RenderedCache::default();
        assert_eq!(cache.get("a", || Ok(b"1".to_vec())).await.unwrap(), "1");
        assert_eq!(cache.get("a", || Ok(b"2".to_vec())).await.unwrap(), "1");
        for other in 0..KEPT_MAX {
            cache.get(&other.to_string(), || Ok(Vec::new())).await.unwrap();
        }
        assert_eq!(cache.get("a", || Ok(b"3".to_vec())).await.unwrap(), "3");
        assert_eq!(cache.kept.lock().unwrap().len(), KEPT_MAX);
    }

    #[tokio::test]
    async fn a_failed_rendering_is_not_kept() {
        let cache = RenderedCache::default();
        assert!(cache.get("a", || Err(AppError::internal("no font"))).await.is_err());
        assert_eq!(cache.get("a", || Ok(b"1".to_vec())).await.unwrap(), "1");
    }
}

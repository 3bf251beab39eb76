//! The closed world that typst compiles in: one static template and the look that all share, the document as JSON, its
//! charts, embedded fonts.
//!
//! Invariant: no file system, no network, no clock. What a customer wrote enters only as JSON strings, so it can never
//! be read as typst source.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use typst::diag::{FileError, FileResult};
use typst::foundations::{Bytes, Datetime, Duration};
use typst::syntax::{FileId, RootedPath, Source, VirtualPath, VirtualRoot};
use typst::text::{Font, FontBook};
use typst::utils::LazyHash;
use typst::{Library, LibraryExt, World};
use typst_kit::fonts::FontStore;

static LIBRARY: LazyLock<LazyHash<Library>> = LazyLock::new(|| LazyHash::new(Library::default()));

/// The fonts inside the program: Libertinus Serif, New Computer Modern, DejaVu Sans Mono.
pub(super) static FONTS: LazyLock<FontStore> = LazyLock::new(|| {
    let mut fonts = FontStore::new();
    fonts.extend(typst_kit::fonts::embedded());
    fonts
});

/// What every template imports.
static LOOK: LazyLock<Source> = LazyLock::new(|| source("/look.typ", include_str!("look.typ")));

fn source(path: &str, text: &str) -> Source {
    let path = VirtualPath::new(path).expect("the path is constant and valid");
    Source::new(RootedPath::new(VirtualRoot::Project, path).intern(), text.to_owned())
}

/// One document's world.
pub(super) struct ClosedWorld {
    main: Source,
    files: BTreeMap<String, Bytes>,
    today: Datetime,
}

impl ClosedWorld {
    /// A world with one template and the files it may read, by path from the root.
    pub(super) fn new(template: &str, files: BTreeMap<String, Bytes>, today: Datetime) -> ClosedWorld {
        ClosedWorld { main: source("/main.typ", template), files, today }
    }
}

impl World for ClosedWorld {
    fn library(&self) -> &LazyHash<Library> {
        &LIBRARY
    }

    fn book(&self) -> &LazyHash<FontBook> {
        FONTS.book()
    }

    fn main(&self) -> FileId {
        self.main.id()
    }

    fn source(&self, id: FileId) -> FileResult<Source> {
        let known = [&self.main, &*LOOK].into_iter().find(|source| source.id() == id);
        known.cloned().ok_or(FileError::AccessDenied)
    }

    fn file(&self, id: FileId) -> FileResult<Bytes> {
        let path = id.vpath().get_without_slash();
        self.files.get(path).cloned().ok_or(FileError::AccessDenied)
    }

    fn font(&self, index: usize) -> Option<Font> {
        FONTS.font(index)
    }

    fn today(&self, _offset: Option<Duration>) -> Option<Datetime> {
        Some(self.today)
    }
}

//! The closed world that typst compiles in: one static template, the document as JSON, its charts, embedded fonts.
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

/// One document's world.
pub(super) struct ClosedWorld {
    main: Source,
    files: BTreeMap<String, Bytes>,
    today: Datetime,
}

impl ClosedWorld {
    /// A world with one template and the files it may read, by path from the root.
    pub(super) fn new(template: &str, files: BTreeMap<String, Bytes>, today: Datetime) -> ClosedWorld {
        let path = VirtualPath::new("/certificate.typ").expect("the path is constant and valid");
        let id = RootedPath::new(VirtualRoot::Project, path).intern();
        ClosedWorld { main: Source::new(id, template.to_owned()), files, today }
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
        if id == self.main.id() { Ok(self.main.clone()) } else { Err(FileError::AccessDenied) }
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

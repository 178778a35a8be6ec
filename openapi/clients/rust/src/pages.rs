//! Lists, page by page.

use std::vec;

/// A part of a list.
pub trait Page {
    /// What the list is of.
    type Item;

    /// Returns the objects, and the cursor of the next page.
    fn into_parts(self) -> (Vec<Self::Item>, Option<String>);
}

/// Reads a list object by object; see [`pages`].
#[derive(Debug)]
pub struct Pages<P: Page, R> {
    read: R,
    items: vec::IntoIter<P::Item>,
    /// Where the next page begins; `None` once the last one was read.
    next: Option<Option<String>>,
}

/// Returns the objects of a list. `read` is given a cursor, none for the first page, and returns the page that begins
/// there; it is called when the page is needed.
///
/// ```text
/// let mut projects = pages(async |cursor| {
///     let request = client.list_projects();
///     let request = if let Some(cursor) = cursor { request.cursor(cursor) } else { request };
///     request.send().await
/// });
/// while let Some(project) = projects.next().await? { … }
/// ```
pub fn pages<P: Page, R>(read: R) -> Pages<P, R> {
    Pages { read, items: Vec::new().into_iter(), next: Some(None) }
}

impl<P: Page, R> Pages<P, R> {
    /// Returns the next object; `None` at the end of the list.
    pub async fn next<A: Answer<P>, E>(&mut self) -> Result<Option<P::Item>, E>
    where
        R: AsyncFnMut(Option<String>) -> Result<A, E>,
    {
        loop {
            if let Some(item) = self.items.next() {
                return Ok(Some(item));
            }
            // Left in place until the page is there, so that a failure can be followed by another try.
            let Some(cursor) = self.next.clone() else { return Ok(None) };
            let (items, next) = (self.read)(cursor).await?.into_page().into_parts();
            self.items = items.into_iter();
            self.next = next.map(Some);
        }
    }
}

/// What an operation returns, or the page itself.
pub trait Answer<P> {
    /// Returns the page.
    fn into_page(self) -> P;
}

impl<P: Page> Answer<P> for P {
    fn into_page(self) -> P {
        self
    }
}

impl<P: Page> Answer<P> for crate::ResponseValue<P> {
    fn into_page(self) -> P {
        self.into_inner()
    }
}

//! Records that lead to more than one answer: which deployment a request gets, what time it is, and the form of a
//! protected site.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;

use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use miaobu_edge::variants::{choose, has_hashed, misses};
use miaobu_edge::{Lookup, Request};

use super::activity::Activity;
use super::service::{Edge, KnownRoute};

/// The other deployments to which a route leads, as one thread knows them.
#[derive(Debug, Default)]
pub(super) struct KnownVariants(RefCell<HashMap<usize, Rc<KnownRoute>>>);

impl Edge {
    /// Returns the route of the deployment that the request gets, and tells the request what conditional records want to
    /// know beside its fields.
    pub(super) async fn chosen(&self, known: Rc<KnownRoute>, request: &mut Request<'_>) -> Rc<KnownRoute> {
        match known.route.lookup() {
            Lookup::Found { record, .. } if record.is_conditional() => {
                self.add_facts(request);
                self.select(known, request).await
            }
            _ => known,
        }
    }

    fn add_facts(&self, request: &mut Request<'_>) {
        request.now = self.config.clock.now().timestamp().try_into().ok();
        let mut random = [0; 4];
        self.config.random.fill(&mut random);
        request.random = Some(u32::from_le_bytes(random));
    }

    async fn select(&self, known: Rc<KnownRoute>, request: &Request<'_>) -> Rc<KnownRoute> {
        let Lookup::Found { record, .. } = known.route.lookup() else { return known };
        let number = choose(record, request);
        let chosen = match number {
            Some(number) => self.variant(&known, number).await,
            None => Rc::clone(&known),
        };
        let other = match chosen.route.lookup() {
            Lookup::Found { site: Some(site), .. } if misses(record, site, request) => match number {
                None => self.variant(&known, 0).await,
                Some(_) => Rc::clone(&known),
            },
            _ => return chosen,
        };
        let has = matches!(other.route.lookup(), Lookup::Found { site: Some(site), .. } if has_hashed(site, request));
        if has { other } else { chosen }
    }

    async fn variant(&self, known: &KnownRoute, number: usize) -> Rc<KnownRoute> {
        if let Some(variant) = known.variants.0.borrow().get(&number) {
            return Rc::clone(variant);
        }
        let (route, is_kept) = self.routes.variant(&known.route, number).await;
        let variant = Rc::new(KnownRoute::new(route));
        if is_kept {
            known.variants.0.borrow_mut().insert(number, Rc::clone(&variant));
        }
        variant
    }
}

/// Reads a form of at most `limit` bytes; one that is longer, broken off or no text is empty.
pub(super) async fn read_form(body: &mut Incoming, limit: usize, activity: &Arc<Activity>) -> String {
    let mut form = Vec::new();
    loop {
        activity.want_read(true);
        let frame = body.frame().await;
        activity.want_read(false);
        activity.moved();
        match frame {
            None => return String::from_utf8(form).unwrap_or_default(),
            Some(Err(_)) => return String::new(),
            Some(Ok(frame)) => form.extend_from_slice(frame.data_ref().map(AsRef::as_ref).unwrap_or_default()),
        }
        if form.len() > limit {
            return String::new();
        }
    }
}

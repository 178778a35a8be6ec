//! Where hostnames lead: route records and sites, kept while the edge KV says that they are current.
//!
//! Invariant: a [`Route`] is one record with the site that it names, taken together, and never changes. A request takes
//! one route and stays with it, so no answer mixes two deployments.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use bytes::Bytes;
use miaobu_edge::record::{self, RouteRecord};
use miaobu_edge::{Lookup, Site};
use tokio::runtime::Handle;
use tokio::sync::OnceCell;

use super::recent::Recent;
use super::sites::{self, SiteError};
use super::source::RouteSource;
use crate::provider::ObjectStore;

/// Memory that routes and their sites may take, in bytes.
const LIMIT_BYTES: usize = 256 * 1024 * 1024;

/// What a route costs beside its site, in bytes.
const ROUTE_BYTES: usize = 1024;

/// How long a visitor waits for the edge KV before being told to come back: well below the 10 s that the first byte may
/// take on the other homes of the routine.
const READ_TIMEOUT: Duration = Duration::from_secs(3);

/// How often a route is read while writes become known, before it is given out without being kept.
const READS: usize = 4;

/// What a hostname leads to.
#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "a route is kept behind an Arc, and nearly all of them are found")]
pub(super) enum Route {
    /// A record, its site when it names one, and the other deployments that it leads to.
    Found(RouteRecord, Option<Arc<Site>>, Variants),
    /// Nothing.
    Unknown,
    /// It can't be read now.
    Unavailable,
    /// What is stored does not parse.
    Damaged,
}

/// The other deployments that a record leads to, as far as they were asked for.
#[derive(Debug, Default)]
pub(super) struct Variants(Mutex<HashMap<usize, Arc<Route>>>);

impl Variants {
    fn table(&self) -> MutexGuard<'_, HashMap<usize, Arc<Route>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Route {
    /// The route as the core takes it.
    pub(super) fn lookup(&self) -> Lookup<'_> {
        match self {
            Self::Found(record, site, _) => Lookup::Found { record, site: site.as_deref() },
            Self::Unknown => Lookup::Unknown,
            Self::Unavailable => Lookup::Unavailable,
            Self::Damaged => Lookup::Damaged,
        }
    }

    fn cost(&self) -> usize {
        match self {
            Self::Found(_, Some(site), _) => ROUTE_BYTES + site.byte_length(),
            _ => ROUTE_BYTES,
        }
    }

    fn names_site(&self, key: &str) -> bool {
        let Self::Found(RouteRecord { site, .. }, _, variants) = self else { return false };
        site.as_deref() == Some(key) || variants.table().values().any(|variant| variant.names_site(key))
    }
}

/// All routes in use.
pub(super) struct Routes {
    source: Arc<dyn RouteSource>,
    objects: Arc<dyn ObjectStore>,
    /// Whether anybody says from which country visitors come.
    knows_countries: bool,
    /// Reads run here: a database connection may live on the runtime that opened it only.
    runtime: Handle,
    epoch: AtomicU64,
    table: Mutex<Table>,
}

struct Table {
    routes: Recent<Arc<str>, Arc<Route>>,
    reading: HashMap<String, Arc<OnceCell<Arc<Route>>>>,
    sites: HashMap<String, Weak<Site>>,
    /// Every write up to this version is reflected in `routes`, or about to be.
    version: i64,
    /// Hosts whose route is to be read again.
    stale: HashSet<String>,
}

impl Routes {
    /// Returns an empty table that reads on the calling runtime.
    pub(super) fn new(source: Arc<dyn RouteSource>, objects: Arc<dyn ObjectStore>, knows_countries: bool) -> Arc<Self> {
        let table = Table {
            routes: Recent::new(LIMIT_BYTES),
            reading: HashMap::new(),
            sites: HashMap::new(),
            version: 0,
            stale: HashSet::new(),
        };
        let (epoch, table) = (AtomicU64::new(0), Mutex::new(table));
        Arc::new(Self { source, objects, knows_countries, runtime: Handle::current(), epoch, table })
    }

    /// A number that changes whenever a route found earlier may no longer be the right one.
    pub(super) fn epoch(&self) -> u64 {
        self.epoch.load(Ordering::Acquire)
    }

    /// Returns what the edge KV holds under `key`.
    pub(super) async fn stored(&self, key: &str) -> Result<Option<Bytes>, crate::provider::Error> {
        self.source.get(key).await
    }

    /// Returns what the edge KV holds under those of `keys` that have a value.
    pub(super) async fn stored_values(
        &self,
        keys: &[String],
    ) -> Result<HashMap<String, Bytes>, crate::provider::Error> {
        self.source.get_all(keys).await
    }

    /// Returns where `host` leads, from memory or the edge KV. Requests for one host share one read.
    pub(super) async fn find(self: &Arc<Self>, host: &str) -> Arc<Route> {
        let key = record::key(host, record::KeyEncoding::Plain);
        let reading = {
            let mut table = self.table();
            if let Some(route) = table.routes.get(&*key) {
                return Arc::clone(route);
            }
            Arc::clone(table.reading.entry(key.clone()).or_default())
        };
        Arc::clone(reading.get_or_init(|| self.read_and_keep(key)).await)
    }

    /// Reads in a task of its own, which goes on when the visitor who asked has left.
    async fn read_and_keep(self: &Arc<Self>, key: String) -> Arc<Route> {
        let routes = Arc::clone(self);
        let host = key.clone();
        let read = self.runtime.spawn(async move {
            let mut reads = 1;
            let (route, version) = loop {
                let version = routes.table().version;
                let route = Arc::new(routes.read(&key).await);
                // A write that became known meanwhile is not told again, and this may have been read before it.
                if reads == READS || routes.table().version == version {
                    break (route, version);
                }
                reads += 1;
            };
            let mut table = routes.table();
            let is_outdated = table.version != version;
            // Where writes come faster than reads, what was read is for those who asked, and whoever asks next reads again.
            // Threads hold routes too: a new epoch has them let go of this one, and of what leaves the table for it.
            let is_kept = !is_outdated && !matches!(*route, Route::Unavailable);
            if is_outdated || is_kept && table.routes.insert(key.as_str().into(), Arc::clone(&route), route.cost()) {
                routes.epoch.fetch_add(1, Ordering::Release);
            }
            table.reading.remove(&key);
            drop(table);
            route
        });
        read.await.unwrap_or_else(|_| {
            // It panicked: what it would have taken off the list itself must not be what everybody gets from now on.
            self.table().reading.remove(&host);
            Arc::new(Route::Unavailable)
        })
    }

    async fn read(&self, key: &str) -> Route {
        let value = match tokio::time::timeout(READ_TIMEOUT, self.source.get(key)).await {
            Ok(Ok(value)) => value,
            Ok(Err(error)) => {
                tracing::warn!(host = key, error = &error as &dyn std::error::Error, "route record cannot be read");
                return Route::Unavailable;
            }
            Err(_) => {
                tracing::warn!(host = key, "reading the route record takes too long");
                return Route::Unavailable;
            }
        };
        let Some(value) = value else { return Route::Unknown };
        let record = match RouteRecord::parse(&value) {
            Ok(record) => record,
            Err(error) => {
                tracing::error!(host = key, %error, "route record is damaged");
                return Route::Damaged;
            }
        };
        self.with_site(record).await
    }

    async fn with_site(&self, record: RouteRecord) -> Route {
        let Some(name) = &record.site else { return Route::Found(record, None, Variants::default()) };
        match self.site(name, &record).await {
            Ok(site) => Route::Found(record, Some(site), Variants::default()),
            Err(SiteError::Unavailable) => Route::Unavailable,
            Err(SiteError::Damaged) => Route::Damaged,
        }
    }

    /// Returns another deployment that `route` leads to, and whether it may be kept as long as the route.
    pub(super) async fn variant(self: &Arc<Self>, route: &Arc<Route>, number: usize) -> (Arc<Route>, bool) {
        let Route::Found(record, _, variants) = &**route else { return (Arc::new(Route::Unavailable), false) };
        if let Some(variant) = variants.table().get(&number) {
            return (Arc::clone(variant), true);
        }
        let Some(record) = record.variant(number) else { return (Arc::new(Route::Damaged), false) };
        let routes = Arc::clone(self);
        let read = self.runtime.spawn(async move { Arc::new(routes.with_site(record).await) });
        let variant = read.await.unwrap_or_else(|_| Arc::new(Route::Unavailable));
        let is_kept = !matches!(*variant, Route::Unavailable);
        if is_kept {
            variants.table().insert(number, Arc::clone(&variant));
        }
        (variant, is_kept)
    }

    async fn site(&self, name: &str, record: &RouteRecord) -> Result<Arc<Site>, SiteError> {
        if let Some(site) = self.table().sites.get(name).and_then(Weak::upgrade) {
            return Ok(site);
        }
        let read = sites::read(&*self.source, &*self.objects, name, record);
        let site = tokio::time::timeout(READ_TIMEOUT, read).await.unwrap_or(Err(SiteError::Unavailable))?;
        if site.asks_country() && !self.knows_countries {
            tracing::warn!(site = name, "rules ask for the visitor's country, which nobody says (edge.country_header)");
        }
        let mut table = self.table();
        table.sites.retain(|_, site| site.strong_count() > 0);
        table.sites.insert(name.to_owned(), Arc::downgrade(&site));
        Ok(site)
    }

    /// Follows the edge KV for ever: asks for changes when this process wrote, and every `interval`.
    pub(super) async fn follow(self: Arc<Self>, interval: Duration) {
        let _leaving = Leaving(&*self.source);
        let mut written = self.source.subscribe();
        let mut tells = true;
        let mut reachable = true;
        loop {
            let outcome = self.catch_up().await;
            if let (true, Err(error)) = (reachable, &outcome) {
                let error = error as &dyn std::error::Error;
                tracing::warn!(error, "the edge KV cannot be read; serving what is known");
            }
            reachable = outcome.is_ok();
            tokio::select! {
                told = written.changed(), if tells => tells = told.is_ok(),
                () = tokio::time::sleep(interval) => {}
            }
        }
    }

    /// Brings every kept route up to date. Until a new record has been read the old one is served.
    async fn catch_up(self: &Arc<Self>) -> Result<(), crate::provider::Error> {
        let known = self.table().version;
        let newest = self.source.version().await?;
        let changed = if newest == known {
            Vec::new()
        } else {
            // A smaller version means another database, restored from a copy: nothing known is certain.
            let since = if newest < known { 0 } else { known };
            self.source.changed_since(since).await?
        };
        let hosts: Vec<String> = {
            let mut table = self.table();
            table.version = changed.iter().map(|(_, version)| *version).fold(newest, i64::max);
            let mut hosts = std::mem::take(&mut table.stale);
            if newest < known {
                table.sites.clear();
                hosts.extend(table.routes.iter().map(|(host, _)| host.to_string()));
            }
            for (key, _) in changed {
                table.sites.remove(&key);
                let affected = |(host, route): &(&Arc<str>, &Arc<Route>)| ***host == *key || route.names_site(&key);
                hosts.extend(table.routes.iter().filter(affected).map(|(host, _)| host.to_string()));
            }
            hosts.into_iter().collect()
        };
        for host in hosts {
            // In a task of its own: a mistake of ours in this record must not end the following of all others.
            let (routes, key) = (Arc::clone(self), host.clone());
            let read = self.runtime.spawn(async move { Arc::new(routes.read(&key).await) });
            let route = read.await.unwrap_or_else(|_| Arc::new(Route::Unavailable));
            let mut table = self.table();
            if matches!(*route, Route::Unavailable) {
                table.stale.insert(host);
                continue;
            }
            table.routes.insert(host.into(), Arc::clone(&route), route.cost());
            self.epoch.fetch_add(1, Ordering::Release);
        }
        let table = self.table();
        if table.stale.is_empty() {
            self.source.caught_up(table.version);
        }
        Ok(())
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Lets nobody wait for an edge that follows no more.
struct Leaving<'a>(&'a dyn RouteSource);

impl Drop for Leaving<'_> {
    fn drop(&mut self) {
        self.0.caught_up(i64::MAX);
    }
}

//! What route records say besides where they lead: who is let in, a second deployment, deployments to stay with.

use chrono::{DateTime, TimeDelta, Utc};
use miaobu_edge::protection::Protection;
use miaobu_edge::record::{self, Hidden, RouteRecord};
use miaobu_edge::variants::{MAX_PINS, Pin, Split, Variant, WHOLE};

use super::Result;
use crate::domain::{Environment, ProjectId, ProtectionTarget, ShareLink};
use crate::store::Session;
use crate::store::hostnames::Route;
use crate::store::protections::{self, ProtectionRow};
use crate::store::splits::{self, PinRoute, SplitRoute};

/// The guards of all of a project's hostnames; none by default.
#[derive(Debug, Default)]
pub struct Guards {
    protections: Vec<ProtectionRow>,
    links: Vec<ShareLink>,
    bypass: Vec<[u8; 32]>,
    splits: Vec<SplitRoute>,
    pins: Vec<PinRoute>,
    max_age: TimeDelta,
}

impl Guards {
    /// Reads them, in the transaction in which the routes are read.
    pub async fn read(session: &mut impl Session, project: ProjectId, now: DateTime<Utc>) -> Result<Self> {
        let protections = protections::list(session, project).await?;
        let (links, bypass) = if protections.is_empty() {
            (Vec::new(), Vec::new())
        } else {
            let tokens = protections::list_tokens(session, project).await?;
            (protections::list_links(session, project, now).await?, tokens.into_iter().map(|(_, hash)| hash).collect())
        };
        let skew = splits::get_skew(session, project).await?;
        let max_age = skew.and_then(TimeDelta::try_seconds).unwrap_or_default();
        let pins = match skew {
            Some(_) => splits::list_pins(session, project, now - max_age).await?,
            None => Vec::new(),
        };
        let splits = splits::list_routes(session, project).await?;
        Ok(Self { protections, links, bypass, splits, pins, max_age })
    }

    /// Adds to a record what guards `route`.
    pub fn add_to(&self, record: RouteRecord, route: &Route) -> RouteRecord {
        let environment = route.environment.as_deref().and_then(Environment::from_text);
        RouteRecord {
            protection: Hidden(self.protection(environment.into())),
            split: self.split(route).unwrap_or_default(),
            pins: self.pins(route),
            ..record
        }
    }

    fn protection(&self, target: ProtectionTarget) -> String {
        let Some(row) = self.protections.iter().find(|row| row.target == target) else { return String::new() };
        let links: Vec<u64> =
            self.links.iter().filter(|link| link.target == target).map(|link| link.id.unsigned_abs()).collect();
        Protection::to_text(&row.signing_key.0, row.password.as_ref(), &links, &self.bypass)
    }

    fn split(&self, route: &Route) -> Option<String> {
        let split =
            self.splits.iter().find(|split| Some(split.environment.as_str()) == route.environment.as_deref())?;
        if Some(split.deployment_id) == route.deployment_id {
            return None;
        }
        let site = site_of(split.deployment_id, split.refined);
        let variant = Variant { deployment_id: split.deployment_id.unsigned_abs(), site: &site };
        let share = split.percent.unsigned_abs() * (WHOLE / 100);
        Some(Split { variant, share, id: split.id.unsigned_abs() }.to_text())
    }

    fn pins(&self, route: &Route) -> String {
        let served = |pin: &&PinRoute| {
            Some(pin.environment.as_str()) == route.environment.as_deref()
                && pin.branch == route.branch
                && Some(pin.deployment_id) != route.deployment_id
        };
        let pins = self.pins.iter().filter(served).take(MAX_PINS);
        let pins: Vec<_> = pins.map(|pin| (pin, site_of(pin.deployment_id, pin.refined))).collect();
        let written = pins.iter().map(|(pin, site)| Pin {
            variant: Variant { deployment_id: pin.deployment_id.unsigned_abs(), site },
            until: (pin.deployed_at + self.max_age).timestamp().unsigned_abs(),
        });
        Pin::all_to_text(&written.collect::<Vec<_>>())
    }
}

/// The key of a deployment's site blob.
pub fn site_of(deployment: i64, refined: bool) -> String {
    if refined { record::refined_site_key(deployment) } else { record::site_key(deployment) }
}

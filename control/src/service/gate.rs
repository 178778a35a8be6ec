//! What holds for every request, before and after the use case that it asks for: how often, once only, and on record.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chrono::TimeDelta;

use super::limits::{self, Limiter, Quota, Verdict};
use super::{Context, Error, Result, audit};
use crate::domain::{Actor, Claim, ProjectId, Role, Sha256, TeamId};
use crate::provider::SharedLimits;
use crate::store::idempotency::{self, Known, Times};

/// How long an answer is kept for a request that is sent again.
const KEPT: TimeDelta = TimeDelta::hours(24);
/// How long the first request with a key may run before another process takes it for dead. One that is not loses its right
/// to change anything.
const HELD: TimeDelta = TimeDelta::minutes(2);

/// Keeps order among requests.
#[derive(Debug, Clone)]
pub struct Gate {
    context: Arc<Context>,
    limiter: Arc<Limiter>,
    running: Arc<Running>,
}

/// The keys whose requests run in this process.
#[derive(Debug)]
struct Running {
    holder: String,
    scopes: Mutex<HashSet<Sha256>>,
}

impl Running {
    fn scopes(&self) -> MutexGuard<'_, HashSet<Sha256>> {
        self.scopes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A request that was begun under an idempotency key. Dropped without [`Gate::keep`] or [`Gate::forget`] it leaves the key
/// to whoever tries again, unless it has changed something.
#[derive(Debug)]
pub struct Attempt {
    claim: Claim,
    running: Arc<Running>,
}

impl Attempt {
    /// What whoever changes something for the request has to show.
    pub fn claim(&self) -> &Claim {
        &self.claim
    }
}

impl Drop for Attempt {
    fn drop(&mut self) {
        self.running.scopes().remove(&self.claim.scope);
    }
}

/// What an idempotency key says about a request.
#[derive(Debug)]
pub enum Begun {
    /// It is the first: carry it out.
    First(Attempt),
    /// It was answered before.
    Again {
        /// The digest of the body of the first, when the whole of it was read.
        body_hash: Option<Sha256>,
        /// The answer, as it was given to [`Gate::keep`].
        answer: Vec<u8>,
    },
}

impl Gate {
    pub(super) fn new(context: Arc<Context>) -> Self {
        let mut bytes = [0; 12];
        context.random.fill(&mut bytes);
        let holder = data_encoding::HEXLOWER.encode(&bytes);
        let running = Arc::new(Running { holder, scopes: Mutex::default() });
        Self { context, limiter: Arc::default(), running }
    }

    /// Counts a request once under each quota, for the caller beside it; those without a limit get no verdict. Where the
    /// limits are shared but cannot be reached, this process counts on its own.
    pub async fn count(&self, draws: &[(Quota, &str)]) -> Vec<Verdict> {
        let draws: Vec<_> = draws.iter().filter(|(quota, _)| quota.requests > 0).copied().collect();
        if let Some(shared) = self.context.shared_limits.as_ref().filter(|_| !draws.is_empty())
            && let Some(verdicts) = limits::count_shared(shared, &draws).await
        {
            return verdicts;
        }
        let now = self.context.now();
        draws.into_iter().map(|(quota, caller)| self.limiter.count(quota, caller, now)).collect()
    }

    /// The limits that servers share, when they are to.
    pub fn shared_limits(&self) -> Option<&SharedLimits> {
        self.context.shared_limits.as_ref()
    }

    /// Begins a request that its caller may send again; `scope` stands for the caller, the route and the key.
    /// `is_repeatable` says that it does no harm when it is carried out twice.
    ///
    /// Fails with `idempotency_key_in_use` while the first request with the key runs, and with `idempotency_answer_lost`
    /// when that made its change and the server stopped before it had kept the answer.
    pub async fn begin(&self, scope: Sha256, is_repeatable: bool) -> Result<Begun> {
        // From here on no other request of this process begins with the key.
        let is_new = self.running.scopes().insert(scope);
        if !is_new {
            return Err(in_use());
        }
        let claim = Claim { scope, holder: self.running.holder.clone() };
        let attempt = Attempt { claim, running: Arc::clone(&self.running) };
        let now = self.context.now();
        let times = Times { now, held_until: now + HELD, expires_at: now + KEPT };
        let mut tx = self.context.db.begin().await?;
        let known = idempotency::begin(&mut tx, &attempt.claim, times, is_repeatable).await?;
        tx.commit().await?;
        match known {
            Known::Begun => Ok(Begun::First(attempt)),
            Known::Running => Err(in_use()),
            Known::Changed => Err(answer_lost()),
            Known::Done { body_hash, answer } => {
                let answer = self.context.vault.open(&place(scope), &answer)?;
                Ok(Begun::Again { body_hash, answer })
            }
        }
    }

    /// Keeps the answer to a request for 24 hours. It may hold a secret that is stored nowhere else, so it is sealed.
    pub async fn keep(&self, attempt: Attempt, body_hash: Option<Sha256>, answer: &[u8]) -> Result<()> {
        let sealed = self.context.vault.seal(&place(attempt.claim.scope), answer, &*self.context.random)?;
        let mut tx = self.context.db.begin().await?;
        idempotency::finish(&mut tx, &attempt.claim, body_hash, &sealed).await?;
        Ok(tx.commit().await?)
    }

    /// Frees the key of a request that was refused: it did not do what it was to do, so it may as well be tried anew. Where the
    /// outcome is `unknown`, because the database did not answer, only if nothing came of it.
    pub async fn forget(&self, attempt: Attempt, unknown: bool) -> Result<()> {
        let mut tx = self.context.db.begin().await?;
        match unknown {
            true => idempotency::release_unchanged(&mut tx, &attempt.claim).await?,
            false => idempotency::release(&mut tx, &attempt.claim).await?,
        }
        Ok(tx.commit().await?)
    }

    /// Puts a request on record whose use case changed no row, so that it could not do so itself.
    pub async fn record(&self, actor: &Actor) -> Result<()> {
        let mut tx = self.context.db.begin().await?;
        audit::record(&self.context, &mut tx, actor).await?;
        Ok(tx.commit().await?)
    }
}

/// The one place where it is decided what a member may do. The caller of this has found out that the actor may know of
/// the team and the project; here it is refused what the role is too small for.
pub(super) fn permit(actor: &Actor, role: Role, team: TeamId, project: Option<ProjectId>) -> Result<()> {
    actor.subject.note(team, project);
    let needed = actor.needed_role();
    if role >= needed {
        return Ok(());
    }
    Err(Error::Forbidden { code: "role_too_small", message: format!("this needs the role {needed}; yours is {role}") })
}

fn answer_lost() -> Error {
    Error::Conflict {
        code: "idempotency_answer_lost",
        message: "the request with this idempotency key was carried out, and its answer is lost".to_owned(),
        hint: Some("look at what it changed; only what is to be done once more needs a new key".to_owned()),
    }
}

pub(super) fn in_use() -> Error {
    Error::Conflict {
        code: "idempotency_key_in_use",
        message: "a request with this idempotency key is still running".to_owned(),
        hint: Some("wait for its answer, or try again in a moment".to_owned()),
    }
}

fn place(scope: Sha256) -> String {
    format!("idempotency:{}", scope.to_hex())
}

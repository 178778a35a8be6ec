//! Asking a provider again that could not be reached.
//!
//! Only jobs are patient: a request answers at once, and what it left undone is a job. A cancelled job stops asking, as it is
//! dropped where it waits.

use std::sync::Arc;
use std::time::Duration;

use super::Error;
use crate::random::Random;

/// How often a call is made until its failure is the job's.
const ATTEMPTS: u32 = 5;
const FIRST_PAUSE: Duration = Duration::from_millis(50);

tokio::task_local! {
    static PATIENT: Arc<dyn Random>;
}

/// Does `work`, in which calls to providers that fail for the moment are made again.
pub async fn patiently<T>(random: Arc<dyn Random>, work: impl Future<Output = T>) -> T {
    PATIENT.scope(random, work).await
}

/// Makes a call, and again where that may help; `retried` is told of each time. Every operation of a provider may be repeated.
pub(super) async fn ask<T, F: Future<Output = Result<T, Error>>>(
    call: impl Fn() -> F,
    retried: impl Fn(),
) -> Result<T, Error> {
    let mut pause = FIRST_PAUSE;
    for _ in 1..ATTEMPTS {
        let error = match call().await {
            Err(error) if error.passes() => error,
            other => return other,
        };
        let mut byte = [0];
        if PATIENT.try_with(|random| random.fill(&mut byte)).is_err() {
            return Err(error);
        }
        retried();
        // Up to half as much again, so that what failed together does not come back together.
        tokio::time::sleep(pause + pause * u32::from(byte[0]) / 512).await;
        pause *= 2;
    }
    call().await
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;
    use crate::provider::ErrorKind;
    use crate::random::SeededRandom;

    /// How often a call is made that fails so often in this way.
    async fn calls(failures: u32, kind: ErrorKind, patient: bool) -> (u32, u32, bool) {
        let (made, retried) = (AtomicU32::new(0), AtomicU32::new(0));
        let call = || async {
            let number = made.fetch_add(1, Ordering::SeqCst);
            if number < failures { Err(Error::new("edge kv", "write", kind)) } else { Ok(()) }
        };
        let asked = ask(call, || {
            retried.fetch_add(1, Ordering::SeqCst);
        });
        let outcome = match patient {
            true => patiently(Arc::new(SeededRandom::new(1)), asked).await,
            false => asked.await,
        };
        (made.load(Ordering::SeqCst), retried.load(Ordering::SeqCst), outcome.is_ok())
    }

    #[tokio::test(start_paused = true)]
    async fn a_job_asks_again_where_that_may_help_and_not_for_ever() {
        assert_eq!(calls(0, ErrorKind::Unavailable, true).await, (1, 0, true));
        assert_eq!(calls(3, ErrorKind::Unavailable, true).await, (4, 3, true));
        assert_eq!(calls(9, ErrorKind::Throttled, true).await, (ATTEMPTS, ATTEMPTS - 1, false));
        for kind in [ErrorKind::Full, ErrorKind::Rejected, ErrorKind::NotFound, ErrorKind::Denied] {
            assert_eq!(calls(9, kind, true).await, (1, 0, false), "{kind:?}");
        }
        assert_eq!(calls(1, ErrorKind::Unavailable, false).await, (1, 0, false), "a request does not wait");
    }
}

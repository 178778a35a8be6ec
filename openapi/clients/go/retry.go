package miaobu

import (
	"context"
	"errors"
	"math/rand/v2"
	"net/http"
	"strconv"
	"time"
)

const (
	firstWait   = 200 * time.Millisecond
	longestWait = 10 * time.Second
	// A server that asks for more patience than this is not waited for.
	longestRetryAfter = time.Minute
)

// backoff counts tries, and waits longer after each.
type backoff struct{ attempts, failures int }

func newBackoff(attempts int) *backoff { return &backoff{attempts: attempts} }

// reset forgets earlier failures, because something went well.
func (b *backoff) reset() { b.failures = 0 }

// after waits until another try makes sense; it returns err when none does.
func (b *backoff) after(ctx context.Context, err error) error {
	b.failures++
	asked, isAsked := retryAfter(err)
	if !isTransient(ctx, err) || b.failures >= b.attempts || asked > longestRetryAfter {
		return err
	}
	wait := min(firstWait<<(b.failures-1), longestWait)
	// Between half of it and all, so that many clients do not come back at once.
	wait = wait/2 + rand.N(wait/2)
	if isAsked {
		wait = asked
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// isTransient reports whether the same request may succeed later: a connection that broke, a limit that was met, a
// server that restarts.
func isTransient(ctx context.Context, err error) bool {
	var problem *ProblemError
	if !errors.As(err, &problem) {
		return ctx.Err() == nil
	}
	switch problem.Status {
	case http.StatusTooManyRequests, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return true
	}
	return problem.Code == "idempotency_key_in_use"
}

func retryAfter(err error) (time.Duration, bool) {
	var problem *ProblemError
	if !errors.As(err, &problem) {
		return 0, false
	}
	seconds, err := strconv.Atoi(problem.Header.Get("Retry-After"))
	return time.Duration(seconds) * time.Second, err == nil
}

//! What each code of a problem means: the page that a problem's `type` leads to.

/// Returns what the problem `code` means and what to do about it.
pub fn meaning(code: &str) -> Option<&'static str> {
    PROBLEMS.iter().find(|(known, _)| *known == code).map(|(_, meaning)| *meaning)
}

const PROBLEMS: &[(&str, &str)] = &[
    ("address_too_long", "The address that was asked for is longer than the server reads."),
    ("already_final", "The deployment has ended; nothing is left to cancel."),
    ("already_member", "The address belongs to a member of the team."),
    ("authentication_required", "The operation needs a token or a session, and the request brought neither."),
    ("bad_request", "The request could not be read."),
    ("blobs_missing", "The upload cannot be finished while blobs are missing; getUpload lists them."),
    ("body_too_large", "The body is larger than the operation takes."),
    ("cross_origin_request", "A browser's session is accepted only from the server's own pages."),
    ("deployment_in_use", "An environment or a domain serves the deployment; make it serve another one first."),
    ("dns_unavailable", "The DNS gave no answer; try again in a moment."),
    ("domain_exists", "The project has the domain already."),
    ("domain_taken", "Another project has the domain, or had it within the last 30 days."),
    ("email_taken", "Another account has this e-mail address."),
    ("env_var_taken", "The environment has an env var of this name; change that one."),
    ("files_gone", "The deployment's files were purged; upload them again."),
    (
        "hash_mismatch",
        "The bytes do not have the digest that the manifest gives: the file changed meanwhile. Deploy again.",
    ),
    ("head_too_large", "The header fields of the request are more than the server reads."),
    (
        "idempotency_answer_lost",
        "The request with this idempotency key was carried out, and the server stopped before it had kept the answer. Look at what it changed.",
    ),
    ("idempotency_key_in_use", "The first request with this idempotency key is still running."),
    ("idempotency_key_reused", "The idempotency key was used for a request with another body."),
    ("identity_taken", "The person at the other service has another account; log in with it instead."),
    ("incomplete_body", "The connection broke off before the body's end. Send it again."),
    ("internal_error", "The server failed; its log has the cause under the request id."),
    ("invalid_code", "The one-time login code is wrong, used or expired. The server prints a fresh one."),
    ("invalid_cursor", "The cursor is not of this list with this filter. Begin again without one."),
    ("invalid_idempotency_key", "An idempotency key has 1 to 255 visible ASCII characters."),
    ("invalid_if_match", "`If-Match` holds entity tags in quotation marks, or `*`."),
    ("invalid_json", "The body is not JSON."),
    ("invalid_password", "The login or the password is wrong."),
    ("invalid_request", "Fields of the request were refused; `errors` names each."),
    ("invalid_ticket", "A ticket opens one stream, within 60 seconds; make another."),
    ("invalid_token", "The token or session is unknown, revoked or expired. Log in again."),
    ("job_not_dead", "Only a job that was given up can be retried or discarded."),
    ("last_operator", "The platform keeps an operator."),
    ("last_owner", "A team keeps an owner."),
    ("last_way_in", "Nothing else opens the account: set a password before its last identity goes."),
    ("login_taken", "Another account has this login."),
    ("method_not_allowed", "The path has no such method; `Allow` lists those that it has."),
    ("no_branch", "A preview belongs to a branch, and the deployment has none."),
    ("no_repository", "The project has no repository to build from; upload the files."),
    (
        "no_split_of_functions",
        "Requests for a function can't be split or kept with a deployment; only those for files can.",
    ),
    (
        "no_split_of_previews",
        "A preview shows its branch's newest deployment; only production and staging can be split.",
    ),
    ("not_deployed", "Only a deployment whose status is `deployed` can be active."),
    ("not_final", "The deployment is on its way; cancel it first."),
    ("not_found", "There is no such object, or it is someone else's."),
    ("not_in_split", "The deployment is neither of the two that share the environment."),
    ("not_protected", "Nothing is to be opened: everybody sees the hostnames without a link."),
    ("not_uploading", "The deployment takes no files any more."),
    ("nothing_active", "The environment serves no deployment that another could share its visitors with."),
    ("nothing_to_pin", "The domain serves nothing yet that it could stay at."),
    ("nothing_to_roll_back_to", "No earlier deployment is left that could be active."),
    ("offset_mismatch", "A part begins where the blob's received bytes end; the detail says where that is."),
    ("operator_exists", "The person is an operator already."),
    ("operator_required", "Only the platform's operators may do this."),
    ("other_address", "The invitation is for another e-mail address than that of the account."),
    ("personal_team", "A person's own team stays, and stays theirs."),
    ("precondition_failed", "The object has changed since it was read; read it again."),
    ("rate_limited", "Too many requests; wait as long as `Retry-After` says."),
    ("role_too_small", "The caller may see this but not do it; the detail names the role that may."),
    ("routine_busy", "Another publication of the routine has not ended yet; listRoutinePublications shows it."),
    ("routine_full", "The routine has as many versions as it may, and each is in use."),
    ("routine_not_configured", "The edge is this machine's alone, and runs no routine; the settings of ESA name one."),
    ("routine_unavailable", "The edge gives no answer about the routine; try again in a moment."),
    ("same_deployment", "The deployment is what the environment serves already."),
    ("scope_missing", "The token may not ask for this; the detail names the scope that may."),
    ("session_required", "The operation needs a session; an API token is not enough."),
    ("slug_taken", "Another project has this slug, or had it within the last 30 days."),
    ("stopping", "The server is about to stop; try again in a moment."),
    ("storage_full", "The server has no room for new files; what is deployed stays served."),
    ("team_has_projects", "A team with projects is not deleted."),
    ("token_bound", "The token is good for some projects only."),
    ("too_many", "There are as many as there may be; revoke those that are no longer needed."),
    ("too_many_env_vars", "An environment has at most 200 env vars."),
    ("truncated_batch", "The batch ends within a frame. What came before is kept; send the rest."),
    ("unavailable", "The server cannot do this at the moment; try again later."),
    ("unexpected_blob", "The deployment does not wait for this blob."),
    ("unhealthy", "A part that the server needs is down."),
    ("unknown_host", "The server is not known under the host name that the request was sent to."),
    ("unknown_path", "There is nothing at this path; /docs lists the operations."),
    ("unsupported_media_type", "The operation takes another media type."),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_catalogue_is_sorted_and_has_each_code_once() {
        assert!(PROBLEMS.is_sorted_by(|(a, _), (b, _)| a < b));
        assert!(meaning("slug_taken").is_some() && meaning("nonsense").is_none());
    }
}

//! Who the operators are, for them.

use poem::http::Uri;
use poem_openapi::param::{Path, Query};
use poem_openapi::types::Example;
use poem_openapi::{Object, OpenApi};
use serde::{Deserialize, Serialize};

use super::Tag;
use super::answer::{Answer, ApiResult, Created, Listing, NoContent};
use super::body::{Body, JsonBody};
use super::caller::{Caller, OperatorsRead, OperatorsWrite};
use super::params::{default_limit, page_request};
use super::precondition::IfMatch;
use super::values::{Nullable, Timestamp};
use crate::domain::{Operator, UserId};

/// Operations on who is an operator.
pub struct OperatorsApi;

/// A user who sees and mends what belongs to the platform and to no team.
#[derive(Debug, Object, Serialize)]
#[oai(rename = "Operator")]
pub struct OperatorView {
    /// The user's id.
    pub id: i64,
    /// The name under which the person logs in.
    pub login: String,
    /// What the person is called.
    pub name: Nullable<String>,
    /// When the account was made.
    pub created_at: Timestamp,
}

impl From<Operator> for OperatorView {
    fn from(operator: Operator) -> Self {
        let Operator { id, login, name, created_at } = operator;
        Self { id: id.0, login, name: Nullable(name), created_at: created_at.into() }
    }
}

/// Who is to be an operator.
#[derive(Debug, Object, Deserialize)]
#[serde(deny_unknown_fields)]
#[oai(rename = "NewOperator", example)]
pub struct NewOperatorBody {
    /// The name under which the person logs in.
    #[oai(validator(max_length = 255))]
    pub login: String,
}

impl Example for NewOperatorBody {
    fn example() -> Self {
        Self { login: "grace".to_owned() }
    }
}

impl JsonBody for NewOperatorBody {}

#[OpenApi(prefix_path = "/api/v1", tag = "Tag::Operators")]
impl OperatorsApi {
    /// List operators
    ///
    /// Newest account first; the first user is an operator from the start. Changes nothing. Fails with `operator_required`
    /// (403) for everybody but operators, and with `invalid_cursor` (400).
    #[oai(path = "/operators", method = "get", operation_id = "listOperators")]
    async fn list_operators(
        &self,
        caller: Caller<OperatorsRead>,
        uri: &Uri,
        /// How many objects a page has at most.
        #[oai(default = "default_limit", validator(minimum(value = "1"), maximum(value = "100")))]
        limit: Query<i32>,
        /// Where the page begins: `next_cursor` of the page before.
        cursor: Query<Option<String>>,
    ) -> ApiResult<Listing<OperatorView>> {
        let filter = "operators";
        let page = page_request(limit.0, cursor.0.as_deref(), filter)?;
        let page = caller.services.operators.list(&caller.actor, page).await?;
        Ok(Listing::new(page, uri, filter, OperatorView::from))
    }

    /// Get an operator
    ///
    /// Changes nothing. Fails with `operator_required` (403) for everybody but operators, and with `not_found` (404), also
    /// when the user is none.
    #[oai(path = "/operators/:operator_id", method = "get", operation_id = "getOperator")]
    async fn get_operator(
        &self,
        caller: Caller<OperatorsRead>,
        /// The user's id.
        operator_id: Path<i64>,
    ) -> ApiResult<Answer<OperatorView>> {
        Ok(Answer::new(caller.services.operators.get(&caller.actor, UserId(operator_id.0)).await?))
    }

    /// Make somebody an operator
    ///
    /// The person sees and mends from now on what belongs to no team: jobs, the routine, and who is an operator. Fails with
    /// `invalid_request` (422) when nobody has the login, with `operator_exists` (409), and with `operator_required` (403)
    /// for everybody but operators.
    #[oai(path = "/operators", method = "post", operation_id = "addOperator")]
    async fn add_operator(
        &self,
        caller: Caller<OperatorsWrite>,
        body: Body<NewOperatorBody>,
    ) -> ApiResult<Created<OperatorView>> {
        let operator = caller.services.operators.add(&caller.actor, &body.0.login).await?;
        let location = format!("/api/v1/operators/{}", operator.id);
        Ok(Created::new(operator).at(location))
    }

    /// Make an operator a user like others
    ///
    /// The account, its teams and its tokens stay. Fails with `last_operator` (409) when no other is left, with
    /// `operator_required` (403) for everybody but operators, with `not_found` (404), and with `precondition_failed` (412)
    /// when `If-Match` names another state.
    #[oai(path = "/operators/:operator_id", method = "delete", operation_id = "removeOperator")]
    async fn remove_operator(
        &self,
        caller: Caller<OperatorsWrite>,
        /// The user's id.
        operator_id: Path<i64>,
        if_match: IfMatch,
    ) -> ApiResult<NoContent> {
        let expected = |operator: &Operator| if_match.allows(|| OperatorView::from(operator.clone()));
        caller.services.operators.remove(&caller.actor, UserId(operator_id.0), expected).await?;
        Ok(NoContent::default())
    }
}

//! Operations on who is an operator.

use miaobu_client::types;

use super::{Api, all_pages};
use crate::errors::Failure;
use crate::retry::new_key;

impl Api {
    /// Lists operators.
    pub async fn operators(&self, limit: u32) -> Result<Vec<types::Operator>, Failure> {
        all_pages(limit, async |limit, cursor| {
            let request = self.client.list_operators().limit(limit);
            let request = cursor.into_iter().fold(request, |request, cursor: String| request.cursor(cursor));
            let page = self.answer(request.send().await)?;
            Ok((page.data, page.next_cursor))
        })
        .await
    }

    /// Returns an operator.
    pub async fn operator(&self, user: i64) -> Result<types::Operator, Failure> {
        Ok(self.answer(self.client.get_operator().operator_id(user).send().await)?.data)
    }

    /// Makes the user with this login an operator.
    pub async fn add_operator(&self, login: &str) -> Result<types::Operator, Failure> {
        let body = types::NewOperator { login: login.to_owned() };
        Ok(self.answer(self.client.add_operator().idempotency_key(new_key()).body(body).send().await)?.data)
    }

    /// Makes an operator a user like others.
    pub async fn remove_operator(&self, user: i64) -> Result<(), Failure> {
        self.answer(self.client.remove_operator().operator_id(user).send().await)
    }
}

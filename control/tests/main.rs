//! Tests of the control plane from outside.

mod api_document;

//! Numbers within bounds, as the OpenAPI file tells of those in lists. Validation holds the same
//! bounds; a test compares the two.

#![expect(dead_code, reason = "these are described, and never made")]

use utoipa::ToSchema;

/// A width: how many numbers a layer gives, or how many channels.
#[derive(ToSchema)]
#[schema(minimum = 1, maximum = 8_192)]
pub struct Width(u32);

/// A seed: any number of 32 bits without a sign.
#[derive(ToSchema)]
#[schema(minimum = 0, maximum = 4_294_967_295_i64, value_type = u64)]
pub struct Seed(u32);

/// A number of at least 0.
#[derive(ToSchema)]
#[schema(minimum = 0)]
pub struct NotNegative(f64);

/// A number above 0.
#[derive(ToSchema)]
#[schema(exclusive_minimum = 0)]
pub struct Positive(f64);

/// Flood levels, one by one.
#[derive(ToSchema)]
#[schema(min_items = 1, max_items = 10_000, value_type = Vec<NotNegative>)]
pub struct LevelList(Vec<f64>);

/// The rates of a step down and of a smaller one up.
#[derive(ToSchema)]
#[schema(min_items = 2, max_items = 2, value_type = Vec<Positive>)]
pub struct Rates([f64; 2]);

//! What is to be done with each line, decided against the database before anything is written.

use super::read::Line;
use super::row::{Named, Problem, Row};
use crate::domain::product::{changed, made};
use crate::store::{brand, category, product};
use chassis::clock::Ts;
use chassis::db::{Db, DbError};
use contract::catalog::{Product, UpdateProduct};
use contract::ids::{BrandId, CategoryId, ProductId, UserId};
use garde::Validate;
use std::collections::{BTreeMap, HashMap};

/// What is done with a line.
#[derive(Debug, Clone)]
pub(super) enum Deed {
    /// A product is made.
    Make(Box<Product>),
    /// A product is changed.
    Change(ProductId, Box<UpdateProduct>),
    /// It says nothing new.
    Nothing,
}

/// Decides about line after line.
pub(super) struct Planner<'a> {
    db: &'a Db,
    vendor: UserId,
    now: Ts,
    categories: HashMap<String, CategoryId>,
    brands: HashMap<String, Option<BrandId>>,
    /// The number and the slug of each line so far, and which line that was.
    numbers: BTreeMap<String, u64>,
    slugs: BTreeMap<String, u64>,
}

impl<'a> Planner<'a> {
    pub(super) async fn new(db: &'a Db, vendor: UserId, now: Ts) -> Result<Self, DbError> {
        let tree = category::all(db).await?;
        let categories = tree.slugs().map(|(slug, id)| (slug.to_owned(), id)).collect();
        let (brands, numbers, slugs) = (HashMap::new(), BTreeMap::new(), BTreeMap::new());
        Ok(Self { db, vendor, now, categories, brands, numbers, slugs })
    }

    /// What is to be done with a line, or what is wrong with it.
    pub(super) async fn decide(&mut self, (line, row): Line) -> Result<Result<Deed, Vec<Problem>>, DbError> {
        let row = match row {
            Ok(row) => row,
            Err(problems) => return Ok(Err(problems)),
        };
        let mut problems = Vec::new();
        if let Some(first) = self.numbers.insert(row.sku.clone(), line) {
            problems.push(Problem::new(line, "sku", format!("stands in line {first} too")));
        }
        let named = self.named(line, &row, &mut problems).await?;
        let known = product::find_by_sku(self.db, &row.sku).await?;
        if known.as_ref().is_some_and(|known| known.vendor != self.vendor) {
            problems.push(Problem::new(line, "sku", "is the number of another vendor's product"));
        }
        if let Some(slug) = &row.slug {
            self.check_slug(line, slug, known.as_ref(), &mut problems).await?;
        }
        let deed = match known {
            None => self.make(line, row, named, &mut problems),
            Some(known) => self.change(line, row, named, &known, &mut problems),
        };
        Ok(match deed {
            Some(deed) if problems.is_empty() => Ok(deed),
            _ => Err(problems),
        })
    }

    fn make(&self, line: u64, row: Row, named: Named, problems: &mut Vec<Problem>) -> Option<Deed> {
        match row.make(self.vendor, named) {
            Ok(request) => {
                told(line, &request, problems);
                Some(Deed::Make(Box::new(made(request, self.vendor, self.now))))
            }
            Err(field) => {
                problems.push(Problem::new(line, field, "is required for a product that is new"));
                None
            }
        }
    }

    fn change(
        &self,
        line: u64,
        row: Row,
        named: Named,
        known: &Product,
        problems: &mut Vec<Problem>,
    ) -> Option<Deed> {
        let change = row.change(named);
        told(line, &change, problems);
        let (_, difference) = changed(known, change.clone(), self.now);
        Some(if difference.is_any() { Deed::Change(known.id, Box::new(change)) } else { Deed::Nothing })
    }

    /// The category and the brand that a line names.
    async fn named(&mut self, line: u64, row: &Row, problems: &mut Vec<Problem>) -> Result<Named, DbError> {
        let mut named = Named::default();
        if let Some(slug) = &row.category {
            named.category = self.categories.get(slug).copied();
            if named.category.is_none() {
                problems.push(Problem::new(line, "category", "no category has this slug"));
            }
        }
        if let Some(slug) = &row.brand {
            if !self.brands.contains_key(slug) {
                let found = brand::find_by_slug(self.db, slug).await?;
                self.brands.insert(slug.clone(), found);
            }
            named.brand = self.brands.get(slug).copied().flatten();
            if named.brand.is_none() {
                problems.push(Problem::new(line, "brand", "no brand has this slug"));
            }
        }
        Ok(named)
    }

    async fn check_slug(
        &mut self,
        line: u64,
        slug: &str,
        known: Option<&Product>,
        problems: &mut Vec<Problem>,
    ) -> Result<(), DbError> {
        if let Some(first) = self.slugs.insert(slug.to_owned(), line) {
            problems.push(Problem::new(line, "slug", format!("stands in line {first} too")));
        }
        let taken = product::find_by_slug(self.db, slug).await?;
        if taken.is_some_and(|taken| known.is_none_or(|known| known.id != taken)) {
            problems.push(Problem::new(line, "slug", "is the slug of another product"));
        }
        Ok(())
    }
}

/// The same rules as for a request.
fn told<T: Validate<Context = ()>>(line: u64, request: &T, problems: &mut Vec<Problem>) {
    if let Err(report) = request.validate() {
        problems.extend(
            report.iter().map(|(path, error)| Problem::new(line, path.to_string(), error.to_string())),
        );
    }
}

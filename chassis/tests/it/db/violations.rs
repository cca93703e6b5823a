use crate::engines::{Place, on_both_engines};
use chassis::db::{DbError, ViolationKind, violated};
use chassis::q;

const TABLES: &str = "
    CREATE TABLE accounts (
        id BIGINT PRIMARY KEY NOT NULL,
        email TEXT NOT NULL,
        age BIGINT NOT NULL CONSTRAINT accounts_age_not_negative CHECK (age >= 0)
    );
    CREATE UNIQUE INDEX accounts_email_key ON accounts (email);
    CREATE TABLE members (
        account_id BIGINT NOT NULL REFERENCES accounts (id),
        organization_id BIGINT NOT NULL,
        name TEXT NOT NULL
    );
    CREATE UNIQUE INDEX members_account_id_organization_id_key ON members (account_id, organization_id);
    CREATE UNIQUE INDEX members_lower_name_key ON members (lower(name));
    INSERT INTO accounts VALUES (1, 'a@example.org', 30);
    INSERT INTO members VALUES (1, 1, 'Ann')";

on_both_engines! {
    async fn a_broken_rule_has_the_same_name_on_both_engines(place: Arc<Place>) {
        use ViolationKind::{Check, ForeignKey, NotNull, Unique};
        let db = place.with(TABLES).await;
        let cases = [
            ("INSERT INTO accounts VALUES (2, 'a@example.org', 1)", Unique, "accounts_email_key"),
            ("INSERT INTO accounts VALUES (1, 'b@example.org', 1)", Unique, "accounts_pkey"),
            ("INSERT INTO members VALUES (1, 1, 'Bob')", Unique, "members_account_id_organization_id_key"),
            ("INSERT INTO members VALUES (1, 2, 'ANN')", Unique, "members_lower_name_key"),
            ("INSERT INTO accounts VALUES (2, 'b@example.org', -1)", Check, "accounts_age_not_negative"),
            ("INSERT INTO accounts VALUES (2, NULL, 1)", NotNull, "accounts.email"),
            ("INSERT INTO members VALUES (9, 1, 'Eve')", ForeignKey, ""),
        ];
        for (statement, kind, name) in cases {
            let found = violated(&q!(db.write, execute, statement).unwrap_err()).unwrap();
            assert_eq!((found.kind, found.name.as_str()), (kind, name), "{statement}");
        }
    }

    async fn a_write_that_fails_at_its_end_is_not_reported_as_done(place: Arc<Place>) {
        let tables = "CREATE TABLE parents (id BIGINT PRIMARY KEY);
            CREATE TABLE children (parent_id BIGINT NOT NULL REFERENCES parents (id) DEFERRABLE INITIALLY DEFERRED)";
        let db = place.with(tables).await;
        let sql = "INSERT INTO children VALUES (1) RETURNING parent_id";
        let one: Result<(i64,), DbError> = q!(db.write, fetch_one, sql);
        let maybe: Result<Option<(i64,)>, DbError> = q!(db.write, fetch_optional, sql);
        let scalar: Result<i64, DbError> = q!(db.write, scalar, sql);
        for failed in [one.unwrap_err(), maybe.unwrap_err(), scalar.unwrap_err()] {
            assert_eq!(violated(&failed).unwrap().kind, ViolationKind::ForeignKey);
        }
    }

    async fn a_statement_that_is_wrong_breaks_no_rule(place: Arc<Place>) {
        let db = place.open().await;
        assert_eq!(violated(&q!(db.write, execute, "INSERT INTO nowhere VALUES (1)").unwrap_err()), None);
    }
}

#[tokio::test]
async fn an_sqlite_row_number_as_primary_key_is_one() {
    let place = Place::sqlite();
    let db = place.with("CREATE TABLE t (id INTEGER PRIMARY KEY) STRICT; INSERT INTO t VALUES (1)").await;
    let found = violated(&q!(db.write, execute, "INSERT INTO t VALUES (1)").unwrap_err()).unwrap();
    assert!(found.is_unique("t_pkey"), "{found:?}");
}

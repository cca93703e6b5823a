//! What people do with the platform, each journey on the real binary in both shapes: everything in one process, and one
//! process a service over real sockets.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a journey that cannot go on fails")]

mod roles;
mod support;

mod a_newcomer_looks_around;
mod a_password_is_forgotten;
mod a_process_is_killed;
mod a_request_is_sent_again;
mod a_route_is_rolled_out;
mod a_shop_opens;
mod an_account_lives;
mod an_administrator_steps_in;
mod an_event_is_approved;
mod everybody_has_their_own;
mod guesses_are_counted;
mod keys_are_rotated;
mod replicas_share_a_database;
mod somebody_asks_the_assistant;
mod somebody_buys;
mod somebody_follows;
mod somebody_introduces_themselves;
mod somebody_keeps_todos;
mod somebody_looks_at_the_status;
mod somebody_wants_it_back;
mod the_assistant_lends_a_hand;
mod the_catalog_is_away;
mod the_certificate_is_replaced;
mod the_command_line;
mod the_process_stops;
mod the_tour_of_the_readme;

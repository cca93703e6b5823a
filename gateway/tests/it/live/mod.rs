//! The live channel, over sockets, fed by the bus as services feed it.

mod away;
mod ends;
mod house;
mod speaks;
mod streams;

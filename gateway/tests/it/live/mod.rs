//! The live channel, over sockets, fed by the bus as services feed it.

mod ends;
mod house;
mod speaks;
mod streams;

//! Pipelines into StarRocks and Doris, played by the stand-in: straight, with every fault, and killed.

mod arrow;
mod chaos;
mod connect;
mod ddl;
mod evolution;
mod failover;
mod faults;
mod fitness;
mod flexible;
mod forgotten;
mod garbled;
mod input;
mod redirects;
mod refused;
mod scene;
mod stalls;
mod startup;
mod straight;
mod tables;
mod tailored;
mod target;
mod tls;
mod values;

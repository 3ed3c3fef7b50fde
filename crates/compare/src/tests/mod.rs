mod answer;
mod report;
mod sample;
mod stats;

//! Float and int8 interpreters of the graph.

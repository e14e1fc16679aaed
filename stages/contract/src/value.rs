//! Python literals and arithmetic, as users write them in strings.

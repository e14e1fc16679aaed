//! Images and masks: readers, preprocessing, splits, the built-in shapes set.

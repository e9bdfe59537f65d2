//! Makes two hosts a pair: an invitation on one, joining on the other, keys pinned both ways.

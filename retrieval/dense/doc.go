// Package dense finds the chunks whose vectors are nearest to a query's among
// what a viewer may read, by codes of one bit a dimension. It is pure: nothing
// in it reads a database or a clock.
//
// A vector is centred, rotated at random and kept as its signs (RaBitQ: Gao and
// Long, SIGMOD 2024). A search scans the codes of all visible chunks: the
// Hamming distance to the query's code chooses some thousands, the inner product
// of their signs with the query in five bits a dimension chooses some hundreds
// of them, and the caller compares those exactly. Nothing is built beforehand,
// and what is hidden is never touched: neither the results nor their scores
// depend on it.
//
// With the first 4,000 and the best 400, recall@20 is .99 or more on 150,000 real
// texts in 384 dimensions, for viewers who see all or little of them. It is the
// 400 that bound it: where a viewer sees nothing close to the question, 8,000 and
// 800 find more of what is far. A search runs on the caller's goroutine: one of
// its own for each half of the parts was not measured to be faster.
package dense

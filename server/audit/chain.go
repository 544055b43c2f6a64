package audit

import "fmt"

// Broken is the first row at which a log is not what was written.
type Broken struct {
	Seq  int64
	What string // for people
}

// Verification is what checking the log has found.
type Verification struct {
	Rows   int64   // that were checked and are right
	First  int64   // number of the oldest row; 0 without rows
	Last   Mark    // of the newest right row: note it, and check it the next time
	Broken *Broken // nil: the log is whole
}

// Chain checks rows one after the other, the oldest first.
type Chain struct {
	// Checkpoints are the marks of rows up to which the retention has removed the
	// log, as the log itself tells them. A log that does not begin at its first row
	// must begin behind the highest of them.
	Checkpoints []Mark
	// Known are marks that were noted before: rows that must still be there,
	// unless the retention has removed them.
	Known []Mark

	found Verification
}

// Add checks the next row and reports whether it is right. After a row that is
// not, nothing more is checked.
func (c *Chain) Add(r Row) bool {
	if c.found.Broken == nil {
		c.found.Broken = c.problem(r)
	}
	if c.found.Broken != nil {
		return false
	}
	if c.found.Rows == 0 {
		c.found.First = r.Seq
	}
	c.found.Rows++
	c.found.Last = r.Mark
	return true
}

func (c *Chain) problem(r Row) *Broken {
	before := c.found.Last
	if c.found.Rows == 0 {
		before = c.start()
	}
	switch {
	case r.Seq > before.Seq+1:
		return &Broken{before.Seq + 1, fmt.Sprintf("row %d is missing: the next one is %d", before.Seq+1, r.Seq)}
	case r.Seq <= before.Seq:
		return &Broken{r.Seq, fmt.Sprintf("row %d stands behind row %d", r.Seq, before.Seq)}
	case r.Previous != before.Hash:
		return &Broken{r.Seq, fmt.Sprintf("row %d does not follow the row before it: one of the two was put there or moved", r.Seq)}
	case HashOf(r) != r.Hash:
		return &Broken{r.Seq, fmt.Sprintf("row %d was changed: its hash is not that of its content", r.Seq)}
	}
	for _, k := range c.Known {
		if k.Seq == r.Seq && k.Hash != r.Hash {
			return &Broken{r.Seq, fmt.Sprintf("row %d or one before it is not the one that was noted: the log was written anew", r.Seq)}
		}
	}
	return nil
}

// start returns the mark behind which the log must begin.
func (c *Chain) start() Mark {
	var highest Mark
	for _, m := range c.Checkpoints {
		if m.Seq > highest.Seq {
			highest = m
		}
	}
	return highest
}

// End returns what was found, given the mark of the newest row as it is kept
// beside the log; nil when that is not known.
func (c *Chain) End(head *Mark) Verification {
	v := c.found
	if v.Broken != nil {
		return v
	}
	end := v.Last
	if v.Rows == 0 {
		end = c.start()
	}
	switch {
	case head == nil:
	case head.Seq > end.Seq:
		v.Broken = &Broken{end.Seq + 1, fmt.Sprintf("row %d is missing: the log was written up to row %d and ends before it", end.Seq+1, head.Seq)}
	case *head == (Mark{}):
		if end.Seq > 0 {
			v.Broken = &Broken{end.Seq, "the mark of the newest row, which is kept beside the log, is gone"}
		}
	case head.Seq < end.Seq:
		v.Broken = &Broken{head.Seq + 1, fmt.Sprintf("row %d was put behind row %d, which was written last", head.Seq+1, head.Seq)}
	case head.Hash != end.Hash:
		v.Broken = &Broken{end.Seq, fmt.Sprintf("row %d is not the one that was written last", end.Seq)}
	}
	for _, k := range c.Known {
		if v.Broken == nil && k.Seq > end.Seq {
			v.Broken = &Broken{end.Seq + 1, fmt.Sprintf("row %d is missing: row %d was noted before", end.Seq+1, k.Seq)}
		}
	}
	return v
}

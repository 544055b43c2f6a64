package index

// Verification is what a comparison of the stored index with what it is derived
// from found.
type Verification struct {
	Segments int       `json:"segments"`
	Packed   int       `json:"packed"` // chunks in segments
	Fresh    int       `json:"fresh"`  // chunks in none
	Rows     int       `json:"rows"`   // of postings
	Code     int       `json:"code_files"`
	Problems []Problem `json:"problems"`
}

// Problem is something of the index that is not as it should be; what is alike in
// a segment, such as rows that are damaged, is one.
type Problem struct {
	Segment int32  `json:"segment,omitempty"` // 0: of none
	What    string `json:"what"`
}

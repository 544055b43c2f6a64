package answer

import "github.com/cairnhq/cairn"

// EventType names what an Event tells; the names are those of the API's stream.
type EventType string

// The types of events, in the order in which an answer gives them. Delta and
// Citation alternate; after Reset the text begins anew; Done or Failed is last.
const (
	EventStart    EventType = "start"
	EventStatus   EventType = "status"   // Phase
	EventPassages EventType = "passages" // Passages
	EventDelta    EventType = "delta"    // Text and Sentence: one checked piece
	EventCitation EventType = "citation" // Citation, after the delta that it belongs to
	EventReset    EventType = "reset"    // a second attempt follows
	EventDone     EventType = "done"     // Answer
	EventFailed   EventType = "error"    // Failure
)

// Event is one step of an answer being made. Only the fields of its type are set.
type Event struct {
	Seq      int             // from 1 within the message; 0 before it is stored
	Type     EventType       //
	Phase    string          // "searching", "reading", "answering", "checking"
	Passages []cairn.Passage // what entered the prompt
	Text     string          // appended to the answer's text, white space before it included
	Sentence cairn.Sentence  // where the claim lies in the answer's text so far, and its support
	Model    string          // who wrote a delta
	Citation *cairn.Citation
	Answer   *cairn.Answer
	Failure  *cairn.Notice
	// Evidence is what the message was made from when the event was read. It is not part of
	// what is stored of an event.
	Evidence []cairn.DocumentID `json:"-"`
}

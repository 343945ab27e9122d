package privacy

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
)

// envelope is a sealed value as it is stored and sent. A JSON object, so that
// nobody takes it for the text that it may hide.
type envelope struct {
	// Sealed is the nonce, what was encrypted and the tag. Empty says that there
	// is nothing left.
	Sealed []byte `json:"$sealed"`
	// Of is the subject.
	Of string `json:"of"`
}

func (e envelope) encode() json.RawMessage {
	data, _ := json.Marshal(e) // bytes and text always encode
	return data
}

// decodeEnvelope reads an envelope, whose members a store may have put in another
// order, and reports whether it is one.
func decodeEnvelope(data json.RawMessage) (e envelope, ok bool) {
	if len(data) == 0 || data[0] != '{' || !bytes.Contains(data, []byte(`"$sealed"`)) {
		return e, false
	}
	var members struct {
		Sealed *[]byte `json:"$sealed"`
		Of     *string `json:"of"`
	}
	if json.Unmarshal(data, &members) != nil || members.Sealed == nil || members.Of == nil {
		return e, false
	}
	return envelope{Sealed: *members.Sealed, Of: *members.Of}, true
}

// Sealed reports whether a JSON value has the form of a sealed one, and returns
// its subject.
func Sealed(value json.RawMessage) (subject string, ok bool) {
	e, ok := decodeEnvelope(value)
	return e.Of, ok
}

// Nothing is what stays in the place of a value of a forgotten subject: it opens
// as ErrForgotten.
func Nothing(subject string) json.RawMessage { return envelope{Sealed: []byte{}, Of: subject}.encode() }

// bind is what is authenticated beside the value: the texts with their lengths,
// so that no two places look alike. Never change it.
func (p Place) bind(subject string) []byte {
	data := make([]byte, 0, len(p.Root)+len(p.Field)+len(subject)+3*binary.MaxVarintLen16)
	for _, text := range [...]string{p.Root, p.Field, subject} {
		data = append(binary.AppendUvarint(data, uint64(len(text))), text...)
	}
	return data
}

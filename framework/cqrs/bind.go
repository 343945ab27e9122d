package cqrs

import (
	"bytes"
	"cmp"
	"encoding"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"reflect"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/minos-framework/minos-go/framework/domain"
)

// binder fills a handler's input from a request.
type binder struct {
	params   []binding
	query    []binding
	needBody bool
	shape    *domain.Shape // nil when the input reads its own JSON, or is an event
}

type binding struct {
	name  string
	index int
}

func newBinder(h *Handler) (*binder, error) {
	b := &binder{}
	if h.In.Kind() != reflect.Struct {
		b.needBody = h.Kind != KindQuery
		return b, nil
	}
	var faults []error
	for i := range h.In.NumField() {
		f := h.In.Field(i)
		path, query := f.Tag.Get("path"), f.Tag.Get("query")
		if path == "" && query == "" {
			b.needBody = b.needBody || h.Kind == KindCommand && f.IsExported() && f.Tag.Get("json") != "-"
			continue
		}
		if err := parameter(f); err != nil {
			faults = append(faults, fmt.Errorf("%s.%s: %w", h.In, f.Name, err))
			continue
		}
		if query != "" {
			b.query = append(b.query, binding{query, i})
			continue
		}
		b.params = append(b.params, binding{path, i})
		for _, p := range h.Paths {
			if !p.has(path) {
				faults = append(faults, fmt.Errorf("%s.%s: %s %s has no parameter {%s}",
					h.In, f.Name, p.Method, p.Pattern, path))
			}
		}
	}
	if asked := h.Kind == KindCommand || h.Kind == KindQuery; asked && !readsItself(h.In) {
		shape, err := domain.ShapeOf(h.In)
		b.shape, faults = shape, append(faults, err)
	}
	return b, errors.Join(faults...)
}

// parameter says why a field cannot be filled from a path or query, or nil.
func parameter(f reflect.StructField) error {
	if !fromText(f.Type) {
		return fmt.Errorf("%s cannot be read from a path or query", f.Type)
	}
	if f.Tag.Get("required") != "" {
		return fmt.Errorf("required is for content; that a query has a parameter is for Validate%s to say", f.Name)
	}
	return nil
}

func readsItself(t reflect.Type) bool {
	pointer := reflect.PointerTo(t)
	return pointer.Implements(reflect.TypeFor[json.Unmarshaler]()) ||
		pointer.Implements(reflect.TypeFor[encoding.TextUnmarshaler]())
}

// bind sets in, a pointer to a handler's input, from the content, the path and
// the query, and holds it to the rules of its fields, which package domain
// describes. What is wrong with JSON, or against the rules, is told by
// domain.FieldErrors; what else does not fit is an *Error with status 400, and
// content of a kind that does not fit the input one with 415. JSON is taken for
// every input, a form for structs, whose fields have the form's values by their
// JSON names (and no defaults), plain text for strings, and any other content
// for []byte.
func (b *binder) bind(request Request, in any) error {
	if err := b.bindContent(request, in); err != nil {
		return err
	}
	value := reflect.ValueOf(in).Elem()
	for _, p := range b.params {
		text, ok := request.Params[p.name]
		if !ok {
			continue
		}
		if err := setText(value.Field(p.index), text); err != nil {
			return Errorf(http.StatusBadRequest, "path parameter %s: %q %s", p.name, text, err)
		}
	}
	if err := b.bindQuery(request.Query, value); err != nil || b.shape == nil {
		return err
	}
	return b.shape.Validate(in)
}

func (b *binder) bindQuery(query url.Values, value reflect.Value) error {
	for _, q := range b.query {
		if field := value.Field(q.index); len(query[q.name]) > 0 && field.Kind() == reflect.Slice {
			field.SetZero() // its default
		}
		for _, text := range query[q.name] {
			if err := setText(value.Field(q.index), text); err != nil {
				return Errorf(http.StatusBadRequest, "query parameter %s: %q %s", q.name, text, err)
			}
		}
	}
	return nil
}

func (b *binder) bindContent(request Request, in any) error {
	kind := mediaType(request.ContentType)
	if content := bytes.TrimSpace(request.Content); len(content) == 0 || isJSON(kind) && string(content) == "null" {
		if b.needBody {
			return Errorf(http.StatusBadRequest, "the request has no content, but JSON is wanted")
		}
		if b.shape == nil {
			return nil
		}
		return b.shape.Bind(in, json.RawMessage("{}")) // for its defaults
	}
	value := reflect.ValueOf(in).Elem()
	switch {
	case isJSON(kind):
		return b.bindJSON(request.Content, in)
	case kind == "application/x-www-form-urlencoded" && value.Kind() == reflect.Struct:
		return bindForm(request.Content, value)
	case kind == "text/plain" && value.Kind() == reflect.String:
		if !utf8.Valid(request.Content) {
			return Errorf(http.StatusBadRequest, "the content is not text in UTF-8")
		}
		value.SetString(string(request.Content))
		return nil
	case value.Kind() == reflect.Slice && value.Type().Elem().Kind() == reflect.Uint8:
		value.SetBytes(request.Content)
		return nil
	}
	return Errorf(http.StatusUnsupportedMediaType, "the content is %s, but application/json is wanted", request.ContentType)
}

// bindJSON reads exactly one JSON value.
func (b *binder) bindJSON(content []byte, in any) error {
	if b.shape == nil {
		return decode(content, in)
	}
	var object json.RawMessage
	if err := decode(content, &object); err != nil {
		return err
	}
	return b.shape.Bind(in, object)
}

const octets = "application/octet-stream"

// mediaType is a content type without its parameters.
func mediaType(contentType string) string {
	kind, _, _ := strings.Cut(contentType, ";")
	return strings.ToLower(strings.TrimSpace(kind))
}

// isJSON reports whether a media type is JSON, or was left out.
func isJSON(kind string) bool {
	return kind == "" || kind == "application/json" || strings.HasSuffix(kind, "+json")
}

// bindForm sets the fields of a struct from a form. Names that it does not have
// are left alone, as they are in JSON.
func bindForm(content []byte, value reflect.Value) error {
	form, err := url.ParseQuery(string(content))
	if err != nil {
		return Errorf(http.StatusBadRequest, "the content is not a form: %s", err)
	}
	for i := range value.NumField() {
		f := value.Type().Field(i)
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		name = cmp.Or(name, f.Name)
		texts := form[name]
		if !f.IsExported() || name == "-" || len(texts) == 0 {
			continue
		}
		if !fromText(f.Type) {
			return Errorf(http.StatusBadRequest, "%s: a form cannot hold a %s", name, f.Type)
		}
		for _, text := range texts {
			if err := setText(value.Field(i), text); err != nil {
				return Errorf(http.StatusBadRequest, "%s: %q %s", name, text, err)
			}
		}
	}
	return nil
}

// decode reads exactly one JSON value.
func decode(content []byte, in any) error {
	decoder := json.NewDecoder(bytes.NewReader(content))
	decoder.UseNumber() // what has no type keeps its digits
	err := decoder.Decode(in)
	if err == nil {
		if _, more := decoder.Token(); more != io.EOF {
			return Errorf(http.StatusBadRequest, "the content is more than one JSON value")
		}
		return nil
	}
	if wrong, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		field := wrong.Field
		if field == "" {
			field = "the content"
		}
		return Errorf(http.StatusBadRequest, "%s: a JSON %s does not fit %s", field, wrong.Value, wrong.Type)
	}
	if wrong, ok := errors.AsType[*json.SyntaxError](err); ok {
		return Errorf(http.StatusBadRequest, "the content is not JSON: %s at byte %d", wrong, wrong.Offset)
	}
	if errors.Is(err, io.ErrUnexpectedEOF) {
		return Errorf(http.StatusBadRequest, "the content is not JSON: it ends too early")
	}
	return Errorf(http.StatusBadRequest, "the content does not fit: %s", err)
}

// fromText reports whether setText can set a value of the type.
func fromText(t reflect.Type) bool {
	if reflect.PointerTo(t).Implements(reflect.TypeFor[encoding.TextUnmarshaler]()) {
		return true
	}
	switch t.Kind() {
	case reflect.String, reflect.Bool, reflect.Float32, reflect.Float64,
		reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64,
		reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return true
	}
	return t.Kind() == reflect.Slice && fromText(t.Elem())
}

var errNotNumber = errors.New("is not a number that fits")

// setText sets a value from text; a slice gains an element.
func setText(value reflect.Value, text string) error {
	if u, ok := value.Addr().Interface().(encoding.TextUnmarshaler); ok {
		if err := u.UnmarshalText([]byte(text)); err != nil {
			return fmt.Errorf("is not a %s", value.Type())
		}
		return nil
	}
	switch {
	case value.Kind() == reflect.String:
		value.SetString(text)
	case value.Kind() == reflect.Bool:
		b, err := strconv.ParseBool(text)
		if err != nil {
			return errors.New("is neither true nor false")
		}
		value.SetBool(b)
	case value.CanInt():
		n, err := strconv.ParseInt(text, 10, value.Type().Bits())
		if err != nil {
			return errNotNumber
		}
		value.SetInt(n)
	case value.CanUint():
		n, err := strconv.ParseUint(text, 10, value.Type().Bits())
		if err != nil {
			return errNotNumber
		}
		value.SetUint(n)
	case value.CanFloat():
		x, err := strconv.ParseFloat(text, value.Type().Bits())
		if err != nil {
			return errNotNumber
		}
		value.SetFloat(x)
	case value.Kind() == reflect.Slice:
		element := reflect.New(value.Type().Elem()).Elem()
		if err := setText(element, text); err != nil {
			return err
		}
		value.Set(reflect.Append(value, element))
	}
	return nil
}

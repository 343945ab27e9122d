package terminal

// Style is how a word is set off. Styles of 16 colours only: they follow the
// colours that the user chose.
type Style string

// The styles there are.
const (
	Bold   Style = "1"
	Dim    Style = "2"
	Red    Style = "31"
	Green  Style = "32"
	Yellow Style = "33"
	Blue   Style = "34"
	Purple Style = "35"
	Cyan   Style = "36"
)

// Paint returns text in a style, or text alone where colour is not welcome.
func (o *Output) Paint(style Style, text string) string {
	if !o.Colour || text == "" {
		return text
	}
	return "\x1b[" + string(style) + "m" + text + "\x1b[0m"
}

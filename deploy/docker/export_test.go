package docker

// What only tests need to see.
var (
	DatabaseSQL   = databaseSQL
	CreateOptions = createOptions
	AddressOf     = addressOf
	Unreachable   = unreachable
	NeedsClassic  = needsClassic
	Overlap       = overlap
)

// ReadProgress reads a builder's answer, and returns what it says and which step failed.
func ReadProgress(stream reader) (output []string, failed string, lines []string, err error) {
	p := newProgress(func(line string) { output = append(output, line) })
	err = p.read(stream)
	failed, lines = p.failed()
	return output, failed, lines, err
}

type reader interface{ Read([]byte) (int, error) }

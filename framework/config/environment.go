package config

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
)

const prefix = "MINOS_"

// key returns the key that a variable is of, and false for a variable of
// another program or one that configures something else.
func key(variable string) (string, bool) {
	switch variable {
	case "MINOS_CONFIGURATION_FILE_PATH", "MINOS_LOG_FORMAT", "MINOS_LOG_LEVEL":
		return "", false
	}
	return strings.CutPrefix(variable, prefix)
}

// override sets the keys that the environment names, and notes the variables
// that name none.
func override(c *Config, environ []string) error {
	var faults error
	for _, entry := range slices.Sorted(slices.Values(environ)) {
		name, value, _ := strings.Cut(entry, "=")
		key, ok := key(name)
		if !ok {
			continue
		}
		known, err := set(reflect.ValueOf(c).Elem(), key, value)
		switch {
		case err != nil:
			faults = errors.Join(faults, fmt.Errorf("environment: %s: %w", name, err))
		case !known:
			c.Ignored = append(c.Ignored, name)
		}
	}
	return faults
}

// set finds the field that key names below v, and sets it. It reports whether
// there is one.
func set(v reflect.Value, key, text string) (bool, error) {
	switch v.Kind() {
	case reflect.String:
		if key != "" {
			return false, nil
		}
		v.SetString(text)
		return true, nil
	case reflect.Int:
		if key != "" {
			return false, nil
		}
		n, err := strconv.Atoi(text)
		if err != nil {
			return true, fmt.Errorf("%q is not a whole number", text)
		}
		v.SetInt(int64(n))
		return true, nil
	case reflect.Map:
		return setEntry(v, key, text)
	}
	for i := range v.NumField() {
		name := strings.ToUpper(v.Type().Field(i).Tag.Get("yaml"))
		rest, ok := strings.CutPrefix(key, name)
		if !ok || rest != "" && rest[0] != '_' {
			continue
		}
		if known, err := set(v.Field(i), strings.TrimPrefix(rest, "_"), text); known {
			return true, err
		}
	}
	return false, nil
}

// setEntry sets a field of a map's entry, which is added if it is not there.
func setEntry(v reflect.Value, key, text string) (bool, error) {
	name, rest, ok := strings.Cut(key, "_")
	if !ok {
		return false, nil
	}
	name = strings.ToLower(name)
	entry := reflect.New(v.Type().Elem()).Elem()
	if old := v.MapIndex(reflect.ValueOf(name)); old.IsValid() {
		entry.Set(old)
	}
	known, err := set(entry, rest, text)
	if !known || err != nil {
		return known, err
	}
	if v.IsNil() {
		v.Set(reflect.MakeMap(v.Type()))
	}
	v.SetMapIndex(reflect.ValueOf(name), entry)
	return true, nil
}

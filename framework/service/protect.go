package service

import (
	"errors"
	"fmt"
	"strings"

	"github.com/minos-framework/minos-go/framework/aggregate"
	"github.com/minos-framework/minos-go/framework/config"
	"github.com/minos-framework/minos-go/framework/privacy"
)

// protect has the registry's sensitive fields sealed, when there is a master
// key. Without one a root with such a field is refused.
func protect(registry *aggregate.Registry, keys privacy.Keys, c config.Privacy) error {
	if c.Key == "" {
		if c.Previous != "" {
			return errors.New("privacy.previous: there is no privacy.key that took its place")
		}
		return nil
	}
	master, err := privacy.ParseKey(c.Key)
	if err != nil {
		return fmt.Errorf("privacy.key: %w", err)
	}
	vault := privacy.Config{Master: master}
	for text := range strings.SplitSeq(c.Previous, ",") {
		if text = strings.TrimSpace(text); text == "" {
			continue
		}
		key, err := privacy.ParseKey(text)
		if err != nil {
			return fmt.Errorf("privacy.previous: %w", err)
		}
		vault.Previous = append(vault.Previous, key)
	}
	v, err := privacy.New(keys, vault)
	if err != nil {
		return err
	}
	registry.Protect(v)
	return nil
}

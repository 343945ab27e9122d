// Package model knows what the type of a root entity is: how its fields are
// named, stored, checked and compared. It knows no store.
package model

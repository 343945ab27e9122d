// Package history knows what the events of a root entity say: how a change is
// told as field differences, how older events are read as newer ones, and how
// events lead back to the state. It knows no store; package aggregate is what
// services use.
//
// All of it works on JSON, field by field in the order of the root's shape, so
// that the state of a root can be rebuilt without its type's help.
package history

// Package aggregate models a service's domain: root entities that are kept as
// events, references between them, and the repository that loads and saves
// them.
//
// A root entity is a struct that embeds Root. What a service needs to know of
// another service's root is a struct that embeds External, referred to by a
// Ref. A Repository stores each change of a root as one event that holds what
// is different (a FieldDiff per changed field), together with the state that
// results, and publishes it as FooCreated, FooUpdated, FooUpdated.bar or
// FooDeleted once it is committed.
//
//	declare a root → NewRepository → Create, Get, Save, Delete, Find → handle
//	its events
//
// A save sends the version that was read. When another writer was first, it is
// a *ConflictError and nothing is stored: nobody's change is ever overwritten
// unseen.
package aggregate

//go:build !dev

package main

const mode = "production"

package main

func (c *callRecord) plot(there, back *way) []byte { return []byte("<svg/>") }

package opus

// Distributions of the indices of a frame, as inverse cumulative ones in 1/256.
// They are numbers of RFC 6716 section 4.2.7.

// lbrrFlags2 says which of two frames have redundancy, less one; table 4.
var lbrrFlags2 = [...]uint8{203, 150, 0}

// lbrrFlags3 says which of three frames have it, less one.
var lbrrFlags3 = [...]uint8{215, 195, 166, 125, 110, 82, 0}

// typeActive is the frame type of an active frame, less two; table 9.
var typeActive = [...]uint8{232, 158, 10, 0}

// typeInactive is the frame type of an inactive one.
var typeInactive = [...]uint8{230, 0}

// gainHigh is the upper part of the first gain by signal type; table 11.
var gainHigh = [...][8]uint8{
	{224, 112, 44, 15, 3, 2, 1, 0},
	{254, 237, 192, 132, 70, 23, 4, 0},
	{255, 252, 226, 155, 61, 11, 2, 0},
}

// gainDelta is a gain against the one before, plus four; table 13.
var gainDelta = [...]uint8{
	250, 245, 234, 203, 71, 50, 42, 38, 35, 33, 31, 29, 28, 27, 26, 25,
	24, 23, 22, 21, 20, 19, 18, 17, 16, 15, 14, 13, 12, 11, 10, 9,
	8, 7, 6, 5, 4, 3, 2, 1, 0,
}

// nlsfExtension is what goes beyond four steps of a residual; table 19.
var nlsfExtension = [...]uint8{100, 40, 16, 7, 3, 1, 0}

// nlsfInterpolation is the weight of the new filter in the first half, in quarters; table 26.
var nlsfInterpolation = [...]uint8{243, 221, 192, 181, 0}

// lagHigh is the upper part of the first pitch lag; table 29.
var lagHigh = [...]uint8{
	253, 250, 244, 233, 212, 182, 150, 131, 120, 110, 98, 85, 72, 60, 49, 40,
	32, 25, 19, 15, 13, 11, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0,
}

// lagDelta is a pitch lag against the one before, plus nine; 0: it is coded anew. Table 31.
var lagDelta = [...]uint8{
	210, 208, 206, 203, 199, 193, 183, 168, 142, 104, 74, 52, 37, 27, 20, 14,
	10, 6, 4, 2, 0,
}

// contourNarrow is the pitch contour of 20 ms at 8 kHz; table 32.
var contourNarrow = [...]uint8{188, 176, 155, 138, 119, 97, 67, 43, 26, 10, 0}

// contourNarrowShort is that of 10 ms at 8 kHz.
var contourNarrowShort = [...]uint8{113, 63, 0}

// contourWide is that of 20 ms above 8 kHz.
var contourWide = [...]uint8{
	223, 201, 183, 167, 152, 138, 124, 111, 98, 88, 79, 70, 62, 56, 50, 44,
	39, 35, 31, 27, 24, 21, 18, 16, 14, 12, 10, 8, 6, 4, 3, 2,
	1, 0,
}

// contourWideShort is that of 10 ms above 8 kHz.
var contourWideShort = [...]uint8{165, 119, 80, 61, 47, 35, 27, 20, 14, 9, 4, 0}

// ltpPeriodicity is which of three books the pitch filters come from; table 37.
var ltpPeriodicity = [...]uint8{179, 99, 0}

// ltpFilter0 is the pitch filter of the first book; table 38.
var ltpFilter0 = [...]uint8{71, 56, 43, 30, 21, 12, 6, 0}

// ltpFilter1 is that of the second.
var ltpFilter1 = [...]uint8{199, 165, 144, 124, 109, 96, 84, 71, 61, 51, 42, 32, 23, 15, 8, 0}

// ltpFilter2 is that of the third.
var ltpFilter2 = [...]uint8{
	241, 225, 211, 199, 187, 175, 164, 153, 142, 132, 123, 114, 105, 96, 88, 80,
	72, 64, 57, 50, 44, 38, 33, 29, 24, 20, 16, 12, 9, 5, 2, 0,
}

// ltpScale is how much the past is trusted; table 42.
var ltpScale = [...]uint8{128, 64, 0}

// Even odds.
var (
	uniform4 = [...]uint8{192, 128, 64, 0}
	uniform6 = [...]uint8{213, 171, 128, 85, 43, 0}
	uniform8 = [...]uint8{224, 192, 160, 128, 96, 64, 32, 0}
)

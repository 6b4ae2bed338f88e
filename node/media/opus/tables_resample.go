package opus

// Filters of the rate converter. RFC 6716 leaves it open; these are the numbers of
// the reference decoder, without which its sound is not met bit for bit.

// The sections of the doubler, for the two samples that each sample becomes, in
// 1/65536.
const (
	even0, even1, even2 int16 = 1746, 14986, 39083 - 65536
	odd0, odd1, odd2    int16 = 6854, 25769, 55542 - 65536
)

// fractionQ15 is half of an 8 tap filter for delays of 1/24, 3/24 ... of a sample; the other
// half is that of the mirrored delay.
var fractionQ15 = [...][4]int16{
	{189, -600, 617, 30567},
	{117, -159, -1070, 29704},
	{52, 221, -2392, 28276},
	{-4, 529, -3350, 26341},
	{-48, 758, -3956, 23973},
	{-80, 905, -4235, 21254},
	{-99, 972, -4222, 18278},
	{-107, 967, -3957, 15143},
	{-103, 896, -3487, 11950},
	{-91, 773, -2865, 8798},
	{-71, 611, -2143, 5784},
	{-46, 425, -1375, 2996},
}

// down3of4 makes 3 samples of 4.
var down3of4 = downFilter{
	feedbackQ14: [2]int16{-20694, -13867},
	taps: []int16{
		-49, 64, 17, -157, 353, -496, 163, 11047, 22205, -39, 6, 91, -170, 186, 23, -896, 6336, 19928,
		-19, -36, 102, -89, -24, 328, -951, 2568, 15909,
	},
}

// down2of3 makes 2 samples of 3.
var down2of3 = downFilter{
	feedbackQ14: [2]int16{-14457, -14019},
	taps: []int16{
		64, 128, -122, 36, 310, -768, 584, 9267, 17733, 12, 128, 18, -142, 288, -117, -865, 4123, 14459,
	},
}

// down1of2 makes 1 sample of 2.
var down1of2 = downFilter{
	feedbackQ14: [2]int16{616, -14323},
	taps: []int16{
		-10, 39, 58, -46, -84, 120, 184, -315, -541, 1284, 5380, 9024,
	},
}

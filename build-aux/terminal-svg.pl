#!/usr/bin/perl
# SPDX-License-Identifier: MIT
#
# terminal-svg.pl TITLE - a picture of a terminal: standard input is what `tmux capture-pane -e -p`
# prints, standard output an SVG. Every run of one style is a <text> of a given length, so that the
# columns stand whatever font there is; blocks are rectangles, so that no font leaves gaps in a bar.
use strict;
use warnings;
use utf8;
binmode STDIN,  ':utf8';
binmode STDOUT, ':utf8';

my $title = shift // 'terminal';
my ($cell, $line, $pad, $bar) = (8.4, 18, 14, 30); # pixels
my %colour = (
	default => '#d4d8de', 31 => '#ff7b72', 32 => '#7ee787', 33 => '#e3b341', 36 => '#39c5cf',
);

sub width { # of a character, in cells
	my $c = ord shift;
	return 2 if $c >= 0x1100 && $c <= 0x115f || $c >= 0x2e80 && $c <= 0xa4cf ||
	            $c >= 0xac00 && $c <= 0xd7a3 || $c >= 0xf900 && $c <= 0xfaff ||
	            $c >= 0xfe30 && $c <= 0xfe6f || $c >= 0xff00 && $c <= 0xff60;
	return 1;
}

sub escape {
	my $s = shift;
	$s =~ s/&/&amp;/g;
	$s =~ s/</&lt;/g;
	$s =~ s/>/&gt;/g;
	return $s;
}

my ($svg, $row, $columns) = ('', 0, 0);
my %style = (colour => 'default', bold => 0, faint => 0);

sub attributes {
	return "fill=\"$colour{$style{colour}}\"" . ($style{bold} ? ' font-weight="bold"' : '') .
	       ($style{faint} ? ' opacity="0.6"' : '');
}

sub put { # TEXT of one style at COLUMN; returns the column behind it
	my ($text, $column) = @_;
	my $y = $bar + $pad + $row * $line;
	# Runs of blocks, of wide characters, of the rest: each placed for itself.
	for my $run ($text =~ /[\x{2588}-\x{258f}]+|[\x{1100}-\x{115f}\x{2e80}-\x{a4cf}\x{ac00}-\x{d7a3}\x{f900}-\x{faff}\x{fe30}-\x{fe6f}\x{ff00}-\x{ff60}]| +|[^\x{2588}-\x{258f}\x{1100}-\x{115f}\x{2e80}-\x{a4cf}\x{ac00}-\x{d7a3}\x{f900}-\x{faff}\x{fe30}-\x{fe6f}\x{ff00}-\x{ff60} ]+(?: [^\x{2588}-\x{258f}\x{1100}-\x{115f}\x{2e80}-\x{a4cf}\x{ac00}-\x{d7a3}\x{f900}-\x{faff}\x{fe30}-\x{fe6f}\x{ff00}-\x{ff60} ]+)*/g) {
		my $cells = 0;
		$cells += width($_) for split //, $run;
		my $x = $pad + $column * $cell;
		if ($run =~ /^[\x{2588}-\x{258f}]/) {
			my $filled = 0; # the full block is 8 eighths, the last one of seven
			$filled += (0x2590 - ord) / 8 for split //, $run;
			$svg .= sprintf "<rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%d\" %s/>\n",
				$x, $y + 3, $filled * $cell, $line - 5, attributes();
		} elsif ($run !~ /^ /) {
			$svg .= sprintf "<text x=\"%.1f\" y=\"%.1f\" textLength=\"%.1f\" %s>%s</text>\n",
				$x, $y + 14, $cells * $cell, attributes(), escape($run);
		}
		$column += $cells;
	}
	$columns = $column if $column > $columns;
	return $column;
}

while (my $text = <STDIN>) {
	chomp $text;
	my $column = 0;
	while ($text =~ /\G(?:\e\[([0-9;]*)m|\e[\(\)].|\x0f|([^\e\x0f]+))/g) {
		if (defined $2) {
			$column = put($2, $column);
			next;
		}
		for my $code (split /;/, defined $1 && $1 ne '' ? $1 : '0') {
			if ($code == 0) { %style = (colour => 'default', bold => 0, faint => 0) }
			elsif ($code == 1) { $style{bold} = 1 }
			elsif ($code == 2) { $style{faint} = 1 }
			elsif ($code == 39) { $style{colour} = 'default' }
			elsif (exists $colour{$code}) { $style{colour} = $code }
		}
	}
	$row++;
}

my $w = int(2 * $pad + $columns * $cell + 1);
my $h = $bar + 2 * $pad + $row * $line;
my $t = escape($title);
print <<"END";
<svg xmlns="http://www.w3.org/2000/svg" width="$w" height="$h" viewBox="0 0 $w $h" role="img">
<title>$t</title>
<rect x="0.5" y="0.5" width="@{[$w - 1]}" height="@{[$h - 1]}" rx="8" fill="#1c2128" stroke="#57606a"/>
<circle cx="18" cy="16" r="5" fill="#57606a"/><circle cx="34" cy="16" r="5" fill="#57606a"/>
<circle cx="50" cy="16" r="5" fill="#57606a"/>
<text x="@{[$w / 2]}" y="20" text-anchor="middle" font-family="sans-serif" font-size="12"
 fill="#9da7b3">$t</text>
<g font-family="DejaVu Sans Mono, Menlo, Consolas, Noto Sans Mono CJK SC, monospace" font-size="14"
 xml:space="preserve" lengthAdjust="spacingAndGlyphs">
$svg</g>
</svg>
END

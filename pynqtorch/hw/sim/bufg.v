// SPDX-License-Identifier: AGPL-3.0-or-later
// Clock buffer of the 7 series (UG472), for simulation of RTL.
`default_nettype none
module BUFG (
    input  wire I,
    output wire O
);
    assign O = I;
endmodule
`default_nettype wire

// SPDX-License-Identifier: AGPL-3.0-or-later
// Synchroniser for FCLKRESETN: `reset_n` rises HOLD cycles after `ext_reset_n`, and falls some cycles after it.
`default_nettype none
module shell_reset #(
    parameter HOLD = 16
) (
    input  wire clk,
    input  wire ext_reset_n,
    output wire reset_n
);
    localparam WIDTH = $clog2(HOLD + 1);
    (* keep *) reg [2:0] sync;
    reg [WIDTH-1:0] count;
    reg out;

    assign reset_n = out;

    always @(posedge clk) begin
        sync <= {sync[1:0], ext_reset_n};
        out <= sync[2] && count == HOLD;
        if (!sync[2]) count <= 0;
        else if (count != HOLD) count <= count + 1'b1;
    end
endmodule
`default_nettype wire

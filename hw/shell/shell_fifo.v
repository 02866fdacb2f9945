// SPDX-License-Identifier: AGPL-3.0-or-later
// Small first-in first-out buffer of registers, both sides with valid and ready; `in_ready` depends on registers only.
// With DEPTH_BITS = 1 it is a register slice that moves a word a cycle.
`default_nettype none
module shell_fifo #(
    parameter WIDTH = 8,
    parameter DEPTH_BITS = 1
) (
    input  wire             clk,
    input  wire             reset,
    input  wire             in_valid,
    output wire             in_ready,
    input  wire [WIDTH-1:0] in_data,
    output wire             out_valid,
    input  wire             out_ready,
    output wire [WIDTH-1:0] out_data
);
    (* ram_style = "registers" *) reg [WIDTH-1:0] memory [0:(1<<DEPTH_BITS)-1];
    reg [DEPTH_BITS-1:0] write_index, read_index;
    reg full, empty;
    wire put = in_valid && in_ready;
    wire get = out_valid && out_ready;
    wire [DEPTH_BITS-1:0] write_next = write_index + 1'b1;
    wire [DEPTH_BITS-1:0] read_next = read_index + 1'b1;

    assign in_ready = !full;
    assign out_valid = !empty;
    assign out_data = memory[read_index];

    always @(posedge clk) if (put) memory[write_index] <= in_data;
    always @(posedge clk)
        if (reset) begin
            write_index <= 0;
            read_index <= 0;
            full <= 1'b1;  // takes nothing while in reset
            empty <= 1'b1;
        end else begin
            if (put) write_index <= write_next;
            if (get) read_index <= read_next;
            if (empty && full) full <= 1'b0;
            else if (put && !get) full <= write_next == read_index;
            else if (get && !put) full <= 1'b0;
            if (put && !get) empty <= 1'b0;
            else if (get && !put) empty <= read_next == write_index;
        end
endmodule
`default_nettype wire

// SPDX-License-Identifier: AGPL-3.0-or-later
// One cell of the array: its columns of B in block RAM, a multiplier-accumulator, and a register for everything that goes on to the
// next cell. `a` follows its `address` by one cycle, `first` by three and `last` by four.
`default_nettype none
module matrix_mult_cell #(
    parameter FABRIC = 0,
    parameter ADDRESS_WIDTH = 12,
    parameter TAG_WIDTH = 3,
    parameter INDEX = 0       // of the cell: it takes byte INDEX % 2 of load data tagged INDEX / 2
) (
    input  wire                     clk,
    input  wire                     in_reset,
    input  wire [15:0]              in_data,
    input  wire [ADDRESS_WIDTH-1:0] in_address,
    input  wire [TAG_WIDTH-1:0]     in_tag,
    input  wire                     in_load,
    input  wire                     in_first,
    input  wire                     in_last,
    output wire                     out_reset,
    output wire [15:0]              out_data,
    output wire [ADDRESS_WIDTH-1:0] out_address,
    output wire [TAG_WIDTH-1:0]     out_tag,
    output wire                     out_load,
    output wire                     out_first,
    output wire                     out_last,
    // results go the other way, one cell a cycle
    input  wire                     in_result_valid,
    input  wire [23:0]              in_result,
    output wire                     out_result_valid,
    output wire [23:0]              out_result
);
    localparam [TAG_WIDTH-1:0] TAG = INDEX / 2;

    reg reset, load, first, last;
    reg [15:0] data;
    reg [ADDRESS_WIDTH-1:0] address;
    reg [TAG_WIDTH-1:0] tag;

    assign out_reset = reset;
    assign out_data = data;
    assign out_address = address;
    assign out_tag = tag;
    assign out_load = load;
    assign out_first = first;
    assign out_last = last;

    always @(posedge clk) begin
        reset <= in_reset;
        data <= in_data;
        address <= in_address;
        tag <= in_tag;
        first <= in_first;
    end
    always @(posedge clk)
        if (reset) begin
            load <= 1'b0;
            last <= 1'b0;
        end else begin
            load <= in_load;
            last <= in_last;
        end

    // B in slices that fill one RAMB18 each in its narrow modes (a slice is 1 to 8 bits wide)
    localparam DEPTH = 1 << ADDRESS_WIDTH;
    localparam SLICE = DEPTH <= 2048 ? 8 : DEPTH <= 4096 ? 4 : DEPTH <= 8192 ? 2 : 1;
    wire write = load && tag == TAG;
    // the gate keeps the register from driving the RAM directly: its data pins have a long hold time
    wire [7:0] mine = (INDEX % 2 ? data[15:8] : data[7:0]) & {8{load}};
    wire [7:0] b;
    genvar s;
    generate
        for (s = 0; s < 8 / SLICE; s = s + 1) begin : slice
            (* ram_style = "block" *) reg [SLICE-1:0] memory [0:DEPTH-1];
            reg [SLICE-1:0] q;
            assign b[s*SLICE +: SLICE] = q;
            always @(posedge clk) begin
                if (write) memory[address] <= mine[s*SLICE +: SLICE];
                q <= memory[address];
            end
        end
    endgenerate

    wire [23:0] sum;
    matrix_mult_mac #(.FABRIC(FABRIC)) mac (.clk(clk), .a(data[7:0]), .b(b), .first(first), .sum(sum));

    reg result_valid;
    reg [23:0] result;
    assign out_result_valid = result_valid;
    assign out_result = result;
    always @(posedge clk) result <= last ? sum : in_result;
    always @(posedge clk)
        if (reset) result_valid <= 1'b0;
        else result_valid <= last || in_result_valid;
endmodule
`default_nettype wire

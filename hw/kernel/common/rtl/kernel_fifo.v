// SPDX-License-Identifier: AGPL-3.0-or-later
// First-in first-out buffer of 2^DEPTH_BITS words and an output register. `level` counts the words of both.
// BLOCK = 1 makes it of block RAM, 16 bits wide pieces (the wide modes of the block RAM are broken in open tools);
// BLOCK = 0 of plain registers (no LUT RAM: its initial contents are broken in open tools).
// WIDTH is a multiple of 16. The user never writes when it is full.
`default_nettype none
module kernel_fifo #(
    parameter WIDTH = 32,
    parameter DEPTH_BITS = 5,
    parameter BLOCK = 0
) (
    input  wire                  clk,
    input  wire                  reset,
    input  wire                  in_valid,
    input  wire [WIDTH-1:0]      in_data,
    output wire                  out_valid,
    input  wire                  out_ready,
    output wire [WIDTH-1:0]      out_data,
    output wire [DEPTH_BITS:0]   level
);
    reg [DEPTH_BITS-1:0] write_index, read_index;
    reg [DEPTH_BITS:0] stored, total;
    reg valid;
    wire take = out_valid && out_ready;
    wire fetch = stored != 0 && (!valid || out_ready);

    assign out_valid = valid;
    assign level = total;

    always @(posedge clk)
        if (reset) begin
            write_index <= 0;
            read_index <= 0;
            stored <= 0;
            total <= 0;
            valid <= 1'b0;
        end else begin
            if (in_valid) write_index <= write_index + 1'b1;
            if (fetch) read_index <= read_index + 1'b1;
            if (in_valid && !fetch) stored <= stored + 1'b1;
            if (!in_valid && fetch) stored <= stored - 1'b1;
            if (in_valid && !take) total <= total + 1'b1;
            if (!in_valid && take) total <= total - 1'b1;
            if (fetch) valid <= 1'b1;
            else if (out_ready) valid <= 1'b0;
        end

    genvar i;
    generate
        for (i = 0; i < WIDTH / 16; i = i + 1) begin : lane
            reg [15:0] q;
            // the gate keeps registers from driving the RAM directly: its data pins have a long hold time
            wire [15:0] d = in_data[i*16 +: 16] & {16{in_valid}};
            assign out_data[i*16 +: 16] = q;
            if (BLOCK) begin : block
                (* ram_style = "block" *) reg [15:0] memory [0:(1<<DEPTH_BITS)-1];
                always @(posedge clk) if (in_valid) memory[write_index] <= d;
                always @(posedge clk) if (fetch) q <= memory[read_index];
            end else begin : plain
                (* ram_style = "registers" *) reg [15:0] memory [0:(1<<DEPTH_BITS)-1];
                always @(posedge clk) if (in_valid) memory[write_index] <= in_data[i*16 +: 16];
                always @(posedge clk) if (fetch) q <= memory[read_index];
            end
        end
    endgenerate
endmodule
`default_nettype wire

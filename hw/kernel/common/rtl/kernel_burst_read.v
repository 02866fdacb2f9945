// SPDX-License-Identifier: AGPL-3.0-or-later
// Asks for `beats` words of memory at `address` in AXI4 bursts of at most 16 beats that cross no 4 KB boundary, never for more than
// fit into a buffer of 2^ROOM_BITS words; `taken` tells that a word has left the buffer. The address is taken modulo the width of a word.
// Beats must be at least 1. `idle` is high when all is asked for.
`default_nettype none
module kernel_burst_read #(
    parameter DATA_WIDTH = 64,
    parameter ROOM_BITS = 6,
    parameter COUNT_WIDTH = 16
) (
    input  wire                   clk,
    input  wire                   reset,
    input  wire                   start,  // one cycle, while idle
    input  wire [63:0]            address,
    input  wire [COUNT_WIDTH-1:0] beats,
    output wire                   idle,
    input  wire                   taken,
    output wire                   m_axi_ARVALID,
    input  wire                   m_axi_ARREADY,
    output wire [63:0]            m_axi_ARADDR,
    output wire [7:0]             m_axi_ARLEN
);
    localparam LOG = $clog2(DATA_WIDTH / 8);
    localparam [1:0] IDLE = 0, MEASURE = 1, SIZE = 2, WAIT = 3;

    reg [1:0] state;
    reg [63:LOG] word;
    reg [COUNT_WIDTH-1:0] left;
    reg [4:0] length;
    reg [ROOM_BITS:0] room;
    reg arvalid;
    reg [63:LOG] arword;
    reg [3:0] arlen;
    wire near_4k = &word[11:LOG+4];
    wire [4:0] to_4k = 5'd16 - {1'b0, word[LOG+3:LOG]};
    reg [4:0] limit;
    wire ask = state == WAIT && room >= length && (!arvalid || m_axi_ARREADY);

    assign idle = state == IDLE;
    assign m_axi_ARVALID = arvalid;
    assign m_axi_ARADDR = {arword, {LOG{1'b0}}};
    assign m_axi_ARLEN = {4'd0, arlen};

    always @(posedge clk)
        if (reset) begin
            state <= IDLE;
            word <= 0;
            left <= 0;
            length <= 5'd0;
            room <= 1 << ROOM_BITS;
            arvalid <= 1'b0;
            arword <= 0;
            arlen <= 4'd0;
            limit <= 5'd0;
        end else begin
            if (m_axi_ARREADY) arvalid <= 1'b0;
            room <= room - (ask ? length : 5'd0) + taken;
            case (state)
                IDLE:
                    if (start) begin
                        word <= address[63:LOG];
                        left <= beats;
                        state <= MEASURE;
                    end
                MEASURE: begin
                    limit <= near_4k ? to_4k : 5'd16;
                    state <= SIZE;
                end
                SIZE: begin
                    length <= left < limit ? left[4:0] : limit;
                    state <= WAIT;
                end
                WAIT:
                    if (ask) begin
                        arvalid <= 1'b1;
                        arword <= word;
                        arlen <= length[3:0] - 4'd1;
                        word <= word + length;
                        left <= left - length;
                        state <= left == length ? IDLE : MEASURE;
                    end
                default: state <= IDLE;
            endcase
        end
endmodule
`default_nettype wire

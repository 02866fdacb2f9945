// SPDX-License-Identifier: AGPL-3.0-or-later
// Writes a stream of `beats` words to memory at `address` in AXI4 bursts of at most 16 beats that cross no 4 KB boundary.
// A burst is announced only when all of its words wait in the buffer (`level`), so it never holds up others on the way to memory.
// The address is taken modulo the width of a word. `idle` is high when every response has come.
`default_nettype none
module kernel_burst_write #(
    parameter DATA_WIDTH = 32,
    parameter LEVEL_WIDTH = 6,
    parameter COUNT_WIDTH = 31
) (
    input  wire                      clk,
    input  wire                      reset,
    input  wire                      start,  // one cycle, while idle
    input  wire [63:0]               address,
    input  wire [COUNT_WIDTH-1:0]    beats,
    output wire                      idle,
    input  wire [LEVEL_WIDTH-1:0]    level,
    input  wire                      data_valid,
    input  wire [DATA_WIDTH-1:0]     data,
    output wire                      data_ready,
    output wire                      m_axi_AWVALID,
    input  wire                      m_axi_AWREADY,
    output wire [63:0]               m_axi_AWADDR,
    output wire [7:0]                m_axi_AWLEN,
    output wire                      m_axi_WVALID,
    input  wire                      m_axi_WREADY,
    output wire [DATA_WIDTH-1:0]     m_axi_WDATA,
    output wire                      m_axi_WLAST,
    input  wire                      m_axi_BVALID,
    output wire                      m_axi_BREADY
);
    localparam LOG = $clog2(DATA_WIDTH / 8);
    localparam [2:0] IDLE = 0, MEASURE = 1, SIZE = 2, WAIT = 3, BURST = 4;

    reg [2:0] state;
    reg [63:LOG] word;             // address of the next burst, in words
    reg [COUNT_WIDTH-1:0] left;    // words still to be announced
    reg [4:0] length;              // of the burst, 1 to 16
    reg [4:0] unsent;              // its words not yet offered
    reg awvalid, wvalid, wlast;
    reg [63:LOG] awword;
    reg [3:0] awlen;
    reg [DATA_WIDTH-1:0] wdata;
    reg [3:0] open;                // bursts without a response
    reg [4:0] room;                // words to the 4 KB boundary, at most 16
    reg enough;                    // in WAIT: the words of the burst are in the buffer
    wire load = state == BURST && unsent != 0 && data_valid && (!wvalid || m_axi_WREADY);
    wire announce = state == WAIT && enough && open != 4'd15;
    wire near_4k = &word[11:LOG+4];
    wire [4:0] to_4k = 5'd16 - {1'b0, word[LOG+3:LOG]};

    assign idle = state == IDLE && open == 0;
    assign data_ready = load;
    assign m_axi_AWVALID = awvalid;
    assign m_axi_AWADDR = {awword, {LOG{1'b0}}};
    assign m_axi_AWLEN = {4'd0, awlen};
    assign m_axi_WVALID = wvalid;
    assign m_axi_WDATA = wdata;
    assign m_axi_WLAST = wlast;
    assign m_axi_BREADY = 1'b1;

    always @(posedge clk)
        if (reset) begin
            state <= IDLE;
            word <= 0;
            left <= 0;
            length <= 5'd0;
            unsent <= 5'd0;
            awvalid <= 1'b0;
            awword <= 0;
            awlen <= 4'd0;
            wvalid <= 1'b0;
            wlast <= 1'b0;
            wdata <= 0;
            open <= 4'd0;
            room <= 5'd0;
            enough <= 1'b0;
        end else begin
            if (m_axi_AWREADY) awvalid <= 1'b0;
            enough <= state == WAIT && level >= length;
            if (m_axi_WREADY) wvalid <= 1'b0;
            if (load) begin
                wvalid <= 1'b1;
                wdata <= data;
                wlast <= unsent == 5'd1;
                unsent <= unsent - 5'd1;
            end
            if (announce && !m_axi_BVALID) open <= open + 4'd1;
            if (!announce && m_axi_BVALID) open <= open - 4'd1;

            case (state)
                IDLE:
                    if (start && beats != 0) begin
                        word <= address[63:LOG];
                        left <= beats;
                        state <= MEASURE;
                    end
                MEASURE: begin
                    room <= near_4k ? to_4k : 5'd16;
                    state <= SIZE;
                end
                SIZE: begin
                    length <= left < room ? left[4:0] : room;
                    state <= WAIT;
                end
                WAIT:
                    if (announce) begin
                        awvalid <= 1'b1;
                        awword <= word;
                        awlen <= length[3:0] - 4'd1;
                        unsent <= length;
                        word <= word + length;
                        left <= left - length;
                        state <= BURST;
                    end
                BURST:
                    if ((!awvalid || m_axi_AWREADY) && (unsent == 0 || (unsent == 1 && load)))
                        state <= left == 0 ? IDLE : MEASURE;
                default: state <= IDLE;
            endcase
        end
endmodule
`default_nettype wire

// SPDX-License-Identifier: AGPL-3.0-or-later
// A kernel's m_axi (AXI4) to INCR bursts of at most 16 beats on a port of another width, for shell_axi_mux. See README.md.
`default_nettype none
module shell_axi4_to_axi3 #(
    parameter S_DATA_WIDTH = 64,
    parameter M_DATA_WIDTH = 64,
    parameter S_ID_WIDTH = 1,
    parameter S_ADDR_WIDTH = 64
) (
    input  wire                      clk,
    input  wire                      reset_n,
    input  wire [S_ID_WIDTH-1:0]     s_axi_AWID,
    input  wire [S_ADDR_WIDTH-1:0]   s_axi_AWADDR,
    input  wire [7:0]                s_axi_AWLEN,
    input  wire [2:0]                s_axi_AWSIZE,
    input  wire [1:0]                s_axi_AWBURST,
    input  wire                      s_axi_AWVALID,
    output wire                      s_axi_AWREADY,
    input  wire [S_DATA_WIDTH-1:0]   s_axi_WDATA,
    input  wire [S_DATA_WIDTH/8-1:0] s_axi_WSTRB,
    input  wire                      s_axi_WLAST,
    input  wire                      s_axi_WVALID,
    output wire                      s_axi_WREADY,
    output wire [S_ID_WIDTH-1:0]     s_axi_BID,
    output wire [1:0]                s_axi_BRESP,
    output wire                      s_axi_BVALID,
    input  wire                      s_axi_BREADY,
    input  wire [S_ID_WIDTH-1:0]     s_axi_ARID,
    input  wire [S_ADDR_WIDTH-1:0]   s_axi_ARADDR,
    input  wire [7:0]                s_axi_ARLEN,
    input  wire [2:0]                s_axi_ARSIZE,
    input  wire [1:0]                s_axi_ARBURST,
    input  wire                      s_axi_ARVALID,
    output wire                      s_axi_ARREADY,
    output wire [S_ID_WIDTH-1:0]     s_axi_RID,
    output wire [S_DATA_WIDTH-1:0]   s_axi_RDATA,
    output wire [1:0]                s_axi_RRESP,
    output wire                      s_axi_RLAST,
    output wire                      s_axi_RVALID,
    input  wire                      s_axi_RREADY,
    output wire [31:0]               m_axi_AWADDR,
    output wire [3:0]                m_axi_AWLEN,
    output wire                      m_axi_AWVALID,
    input  wire                      m_axi_AWREADY,
    output wire [M_DATA_WIDTH-1:0]   m_axi_WDATA,
    output wire [M_DATA_WIDTH/8-1:0] m_axi_WSTRB,
    output wire                      m_axi_WLAST,
    output wire                      m_axi_WVALID,
    input  wire                      m_axi_WREADY,
    input  wire [1:0]                m_axi_BRESP,
    input  wire                      m_axi_BVALID,
    output wire                      m_axi_BREADY,
    output wire [31:0]               m_axi_ARADDR,
    output wire [3:0]                m_axi_ARLEN,
    output wire                      m_axi_ARVALID,
    input  wire                      m_axi_ARREADY,
    input  wire [M_DATA_WIDTH-1:0]   m_axi_RDATA,
    input  wire [1:0]                m_axi_RRESP,
    input  wire                      m_axi_RLAST,
    input  wire                      m_axi_RVALID,
    output wire                      m_axi_RREADY
);
    localparam LANE_WIDTH = M_DATA_WIDTH > S_DATA_WIDTH ? $clog2(M_DATA_WIDTH / S_DATA_WIDTH) : 1;
    localparam PART_WIDTH = S_ID_WIDTH + 2 + 1 + LANE_WIDTH + 8;
    localparam WAITING = 2;  // log2 of the bursts that may be on their way in each direction

    reg reset;
    always @(posedge clk) reset <= !reset_n;

    // writes: address, data, response
    wire awpart_valid, awpart_ready, wpart_valid, wpart_ready;
    wire [PART_WIDTH-1:0] awpart, wpart;
    wire done_valid, done_ready;
    wire [S_ID_WIDTH-1:0] wpart_id;
    wire [1:0] wpart_error;
    wire wpart_last;
    wire [LANE_WIDTH-1:0] wpart_lane;
    wire [7:0] wpart_len;
    assign {wpart_id, wpart_error, wpart_last, wpart_lane, wpart_len} = wpart;

    shell_axi_split #(
        .S_DATA_WIDTH(S_DATA_WIDTH), .M_DATA_WIDTH(M_DATA_WIDTH), .ID_WIDTH(S_ID_WIDTH), .ADDR_WIDTH(S_ADDR_WIDTH),
        .LANE_WIDTH(LANE_WIDTH)
    ) write_address (
        .clk(clk), .reset(reset),
        .s_ID(s_axi_AWID), .s_ADDR(s_axi_AWADDR), .s_LEN(s_axi_AWLEN), .s_SIZE(s_axi_AWSIZE), .s_BURST(s_axi_AWBURST),
        .s_VALID(s_axi_AWVALID), .s_READY(s_axi_AWREADY),
        .m_ADDR(m_axi_AWADDR), .m_LEN(m_axi_AWLEN), .m_VALID(m_axi_AWVALID), .m_READY(m_axi_AWREADY),
        .part_valid(awpart_valid), .part_ready(awpart_ready),
        .part_id(awpart[PART_WIDTH-1 -: S_ID_WIDTH]), .part_error(awpart[LANE_WIDTH+9 +: 2]), .part_last(awpart[LANE_WIDTH+8]),
        .part_lane(awpart[8 +: LANE_WIDTH]), .part_len(awpart[7:0])
    );
    shell_fifo #(.WIDTH(PART_WIDTH), .DEPTH_BITS(WAITING)) write_parts (
        .clk(clk), .reset(reset), .in_valid(awpart_valid), .in_ready(awpart_ready), .in_data(awpart),
        .out_valid(wpart_valid), .out_ready(wpart_ready), .out_data(wpart)
    );
    shell_axi_width_write #(.S_DATA_WIDTH(S_DATA_WIDTH), .M_DATA_WIDTH(M_DATA_WIDTH), .LANE_WIDTH(LANE_WIDTH)) write_data (
        .clk(clk), .reset(reset), .part_valid(wpart_valid), .part_ready(wpart_ready), .part_drop(wpart_error != 2'b00),
        .part_lane(wpart_lane), .part_len(wpart_len), .done_valid(done_valid), .done_ready(done_ready),
        .s_WDATA(s_axi_WDATA), .s_WSTRB(s_axi_WSTRB), .s_WVALID(s_axi_WVALID), .s_WREADY(s_axi_WREADY),
        .m_WDATA(m_axi_WDATA), .m_WSTRB(m_axi_WSTRB), .m_WLAST(m_axi_WLAST), .m_WVALID(m_axi_WVALID), .m_WREADY(m_axi_WREADY)
    );

    wire answer_valid, answer_last;
    wire [S_ID_WIDTH-1:0] answer_id;
    wire [1:0] answer_error;
    reg bvalid;
    reg [S_ID_WIDTH-1:0] bid;
    reg [1:0] bresp, worst;
    wire free = !bvalid || s_axi_BREADY;
    wire answer = answer_valid && free && (answer_error != 2'b00 || m_axi_BVALID);
    wire [1:0] this_resp = answer_error != 2'b00 ? answer_error : m_axi_BRESP;
    wire [1:0] merged = this_resp > worst ? this_resp : worst;

    shell_fifo #(.WIDTH(S_ID_WIDTH + 3), .DEPTH_BITS(WAITING)) write_answers (
        .clk(clk), .reset(reset), .in_valid(done_valid), .in_ready(done_ready), .in_data({wpart_id, wpart_error, wpart_last}),
        .out_valid(answer_valid), .out_ready(answer), .out_data({answer_id, answer_error, answer_last})
    );
    assign s_axi_BVALID = bvalid;
    assign s_axi_BID = bid;
    assign s_axi_BRESP = bresp;
    assign m_axi_BREADY = answer_valid && free && answer_error == 2'b00;

    always @(posedge clk)
        if (reset) begin
            bvalid <= 1'b0;
            bid <= 0;
            bresp <= 2'b00;
            worst <= 2'b00;
        end else begin
            if (s_axi_BREADY) bvalid <= 1'b0;
            if (answer) begin
                worst <= answer_last ? 2'b00 : merged;
                if (answer_last) begin
                    bvalid <= 1'b1;
                    bid <= answer_id;
                    bresp <= merged;
                end
            end
        end

    // reads: address, data
    wire arpart_valid, arpart_ready, rpart_valid, rpart_ready;
    wire [PART_WIDTH-1:0] arpart, rpart;
    wire [1:0] rpart_error;
    wire rpart_last;
    wire [LANE_WIDTH-1:0] rpart_lane;
    wire [7:0] rpart_len;
    assign {s_axi_RID, rpart_error, rpart_last, rpart_lane, rpart_len} = rpart;

    shell_axi_split #(
        .S_DATA_WIDTH(S_DATA_WIDTH), .M_DATA_WIDTH(M_DATA_WIDTH), .ID_WIDTH(S_ID_WIDTH), .ADDR_WIDTH(S_ADDR_WIDTH),
        .LANE_WIDTH(LANE_WIDTH)
    ) read_address (
        .clk(clk), .reset(reset),
        .s_ID(s_axi_ARID), .s_ADDR(s_axi_ARADDR), .s_LEN(s_axi_ARLEN), .s_SIZE(s_axi_ARSIZE), .s_BURST(s_axi_ARBURST),
        .s_VALID(s_axi_ARVALID), .s_READY(s_axi_ARREADY),
        .m_ADDR(m_axi_ARADDR), .m_LEN(m_axi_ARLEN), .m_VALID(m_axi_ARVALID), .m_READY(m_axi_ARREADY),
        .part_valid(arpart_valid), .part_ready(arpart_ready),
        .part_id(arpart[PART_WIDTH-1 -: S_ID_WIDTH]), .part_error(arpart[LANE_WIDTH+9 +: 2]), .part_last(arpart[LANE_WIDTH+8]),
        .part_lane(arpart[8 +: LANE_WIDTH]), .part_len(arpart[7:0])
    );
    shell_fifo #(.WIDTH(PART_WIDTH), .DEPTH_BITS(WAITING)) read_parts (
        .clk(clk), .reset(reset), .in_valid(arpart_valid), .in_ready(arpart_ready), .in_data(arpart),
        .out_valid(rpart_valid), .out_ready(rpart_ready), .out_data(rpart)
    );
    shell_axi_width_read #(.S_DATA_WIDTH(S_DATA_WIDTH), .M_DATA_WIDTH(M_DATA_WIDTH), .LANE_WIDTH(LANE_WIDTH)) read_data (
        .clk(clk), .reset(reset), .part_valid(rpart_valid), .part_ready(rpart_ready), .part_error(rpart_error),
        .part_last(rpart_last), .part_lane(rpart_lane), .part_len(rpart_len),
        .s_RDATA(s_axi_RDATA), .s_RRESP(s_axi_RRESP), .s_RLAST(s_axi_RLAST), .s_RVALID(s_axi_RVALID), .s_RREADY(s_axi_RREADY),
        .m_RDATA(m_axi_RDATA), .m_RRESP(m_axi_RRESP), .m_RVALID(m_axi_RVALID), .m_RREADY(m_axi_RREADY)
    );

    // beats are counted here, the ends that others mark are not needed
    wire unused = &{1'b0, s_axi_WLAST, m_axi_RLAST};
endmodule
`default_nettype wire

// SPDX-License-Identifier: AGPL-3.0-or-later
// N masters (shell_axi4_to_axi3) to one AXI3 port of the PS7; the ID is the index of the master. Registers towards the PS7 on every channel.
// Addresses: the turn rests on a master until it has asked once, and wanders on while it does not ask. Write data goes in the order of
// the addresses. Answers go back by ID, so the PS may mix the answers of different masters.
`default_nettype none
module shell_axi_mux #(
    parameter N = 1,
    parameter DATA_WIDTH = 64,
    parameter ID_WIDTH = 6,
    parameter [3:0] CACHE = 4'b0011,
    parameter [4:0] USER = 5'b00000
) (
    input  wire                      clk,
    input  wire                      reset_n,
    input  wire [N*32-1:0]           s_axi_AWADDR,
    input  wire [N*4-1:0]            s_axi_AWLEN,
    input  wire [N-1:0]              s_axi_AWVALID,
    output wire [N-1:0]              s_axi_AWREADY,
    input  wire [N*DATA_WIDTH-1:0]   s_axi_WDATA,
    input  wire [N*DATA_WIDTH/8-1:0] s_axi_WSTRB,
    input  wire [N-1:0]              s_axi_WLAST,
    input  wire [N-1:0]              s_axi_WVALID,
    output wire [N-1:0]              s_axi_WREADY,
    output wire [N*2-1:0]            s_axi_BRESP,
    output wire [N-1:0]              s_axi_BVALID,
    input  wire [N-1:0]              s_axi_BREADY,
    input  wire [N*32-1:0]           s_axi_ARADDR,
    input  wire [N*4-1:0]            s_axi_ARLEN,
    input  wire [N-1:0]              s_axi_ARVALID,
    output wire [N-1:0]              s_axi_ARREADY,
    output wire [N*DATA_WIDTH-1:0]   s_axi_RDATA,
    output wire [N*2-1:0]            s_axi_RRESP,
    output wire [N-1:0]              s_axi_RLAST,
    output wire [N-1:0]              s_axi_RVALID,
    input  wire [N-1:0]              s_axi_RREADY,
    output wire [ID_WIDTH-1:0]       m_axi_AWID,
    output wire [31:0]               m_axi_AWADDR,
    output wire [3:0]                m_axi_AWLEN,
    output wire [1:0]                m_axi_AWSIZE,
    output wire [1:0]                m_axi_AWBURST,
    output wire [1:0]                m_axi_AWLOCK,
    output wire [3:0]                m_axi_AWCACHE,
    output wire [2:0]                m_axi_AWPROT,
    output wire [3:0]                m_axi_AWQOS,
    output wire [4:0]                m_axi_AWUSER,
    output wire                      m_axi_AWVALID,
    input  wire                      m_axi_AWREADY,
    output wire [ID_WIDTH-1:0]       m_axi_WID,
    output wire [DATA_WIDTH-1:0]     m_axi_WDATA,
    output wire [DATA_WIDTH/8-1:0]   m_axi_WSTRB,
    output wire                      m_axi_WLAST,
    output wire                      m_axi_WVALID,
    input  wire                      m_axi_WREADY,
    input  wire [ID_WIDTH-1:0]       m_axi_BID,
    input  wire [1:0]                m_axi_BRESP,
    input  wire                      m_axi_BVALID,
    output wire                      m_axi_BREADY,
    output wire [ID_WIDTH-1:0]       m_axi_ARID,
    output wire [31:0]               m_axi_ARADDR,
    output wire [3:0]                m_axi_ARLEN,
    output wire [1:0]                m_axi_ARSIZE,
    output wire [1:0]                m_axi_ARBURST,
    output wire [1:0]                m_axi_ARLOCK,
    output wire [3:0]                m_axi_ARCACHE,
    output wire [2:0]                m_axi_ARPROT,
    output wire [3:0]                m_axi_ARQOS,
    output wire [4:0]                m_axi_ARUSER,
    output wire                      m_axi_ARVALID,
    input  wire                      m_axi_ARREADY,
    input  wire [ID_WIDTH-1:0]       m_axi_RID,
    input  wire [DATA_WIDTH-1:0]     m_axi_RDATA,
    input  wire [1:0]                m_axi_RRESP,
    input  wire                      m_axi_RLAST,
    input  wire                      m_axi_RVALID,
    output wire                      m_axi_RREADY
);
    localparam INDEX = N > 1 ? $clog2(N) : 1;
    localparam STROBES = DATA_WIDTH / 8;

    reg reset;
    always @(posedge clk) reset <= !reset_n;

    // constant signals: INCR bursts of full words
    assign m_axi_AWSIZE = $clog2(STROBES);
    assign m_axi_AWBURST = 2'b01;
    assign m_axi_AWLOCK = 2'b00;
    assign m_axi_AWCACHE = CACHE;
    assign m_axi_AWPROT = 3'b000;
    assign m_axi_AWQOS = 4'd0;
    assign m_axi_AWUSER = USER;
    assign m_axi_ARSIZE = $clog2(STROBES);
    assign m_axi_ARBURST = 2'b01;
    assign m_axi_ARLOCK = 2'b00;
    assign m_axi_ARCACHE = CACHE;
    assign m_axi_ARPROT = 3'b000;
    assign m_axi_ARQOS = 4'd0;
    assign m_axi_ARUSER = USER;

    // write addresses, and their order for the write data
    reg [INDEX-1:0] write_turn;
    wire aw_room, order_room, order_valid;
    wire [INDEX-1:0] aw_index, order_index;
    wire aw_take = s_axi_AWVALID[write_turn] && aw_room && order_room;

    shell_fifo #(.WIDTH(INDEX + 36), .DEPTH_BITS(1)) write_address (
        .clk(clk), .reset(reset), .in_valid(aw_take), .in_ready(aw_room),
        .in_data({write_turn, s_axi_AWLEN[write_turn*4 +: 4], s_axi_AWADDR[write_turn*32 +: 32]}),
        .out_valid(m_axi_AWVALID), .out_ready(m_axi_AWREADY), .out_data({aw_index, m_axi_AWLEN, m_axi_AWADDR})
    );
    assign m_axi_AWID = aw_index;

    // write data
    wire w_room, w_put, w_last;
    wire [INDEX-1:0] w_index;
    assign w_put = order_valid && s_axi_WVALID[order_index];
    assign w_last = s_axi_WLAST[order_index];

    shell_fifo #(.WIDTH(INDEX), .DEPTH_BITS(3)) write_order (
        .clk(clk), .reset(reset), .in_valid(aw_take), .in_ready(order_room), .in_data(write_turn),
        .out_valid(order_valid), .out_ready(w_put && w_room && w_last), .out_data(order_index)
    );
    shell_fifo #(.WIDTH(INDEX + DATA_WIDTH + STROBES + 1), .DEPTH_BITS(1)) write_data (
        .clk(clk), .reset(reset), .in_valid(w_put), .in_ready(w_room),
        .in_data({order_index, w_last, s_axi_WSTRB[order_index*STROBES +: STROBES], s_axi_WDATA[order_index*DATA_WIDTH +: DATA_WIDTH]}),
        .out_valid(m_axi_WVALID), .out_ready(m_axi_WREADY), .out_data({w_index, m_axi_WLAST, m_axi_WSTRB, m_axi_WDATA})
    );
    assign m_axi_WID = w_index;

    // write responses
    wire b_valid, b_ready;
    wire [INDEX-1:0] b_index;
    wire [1:0] b_resp;
    shell_fifo #(.WIDTH(INDEX + 2), .DEPTH_BITS(1)) write_response (
        .clk(clk), .reset(reset), .in_valid(m_axi_BVALID), .in_ready(m_axi_BREADY), .in_data({m_axi_BID[INDEX-1:0], m_axi_BRESP}),
        .out_valid(b_valid), .out_ready(b_ready), .out_data({b_index, b_resp})
    );
    assign s_axi_BRESP = {N{b_resp}};

    // read addresses
    reg [INDEX-1:0] read_turn;
    wire ar_room;
    wire [INDEX-1:0] ar_index;
    wire ar_take = s_axi_ARVALID[read_turn] && ar_room;
    shell_fifo #(.WIDTH(INDEX + 36), .DEPTH_BITS(1)) read_address (
        .clk(clk), .reset(reset), .in_valid(ar_take), .in_ready(ar_room),
        .in_data({read_turn, s_axi_ARLEN[read_turn*4 +: 4], s_axi_ARADDR[read_turn*32 +: 32]}),
        .out_valid(m_axi_ARVALID), .out_ready(m_axi_ARREADY), .out_data({ar_index, m_axi_ARLEN, m_axi_ARADDR})
    );
    assign m_axi_ARID = ar_index;

    // read data
    wire r_valid, r_ready, r_last;
    wire [INDEX-1:0] r_index;
    wire [1:0] r_resp;
    wire [DATA_WIDTH-1:0] r_data;
    shell_fifo #(.WIDTH(INDEX + 3 + DATA_WIDTH), .DEPTH_BITS(1)) read_data (
        .clk(clk), .reset(reset), .in_valid(m_axi_RVALID), .in_ready(m_axi_RREADY),
        .in_data({m_axi_RID[INDEX-1:0], m_axi_RLAST, m_axi_RRESP, m_axi_RDATA}),
        .out_valid(r_valid), .out_ready(r_ready), .out_data({r_index, r_last, r_resp, r_data})
    );
    assign s_axi_RDATA = {N{r_data}};
    assign s_axi_RRESP = {N{r_resp}};
    assign s_axi_RLAST = {N{r_last}};

    // one bit a master
    wire [N-1:0] b_mine, r_mine;
    genvar i;
    generate
        for (i = 0; i < N; i = i + 1) begin : master
            assign s_axi_AWREADY[i] = write_turn == i && aw_room && order_room;
            assign s_axi_WREADY[i] = order_valid && order_index == i && w_room;
            assign s_axi_ARREADY[i] = read_turn == i && ar_room;
            assign b_mine[i] = b_index == i;
            assign r_mine[i] = r_index == i;
        end
    endgenerate
    assign s_axi_BVALID = b_mine & {N{b_valid}};
    assign s_axi_RVALID = r_mine & {N{r_valid}};
    // an ID of nobody is dropped rather than block the port
    assign b_ready = |(b_mine & s_axi_BREADY) || b_mine == 0;
    assign r_ready = |(r_mine & s_axi_RREADY) || r_mine == 0;

    always @(posedge clk)
        if (reset) begin
            write_turn <= 0;
            read_turn <= 0;
        end else begin
            if (aw_take || !s_axi_AWVALID[write_turn]) write_turn <= write_turn == N - 1 ? 0 : write_turn + 1'b1;
            if (ar_take || !s_axi_ARVALID[read_turn]) read_turn <= read_turn == N - 1 ? 0 : read_turn + 1'b1;
        end
endmodule
`default_nettype wire
